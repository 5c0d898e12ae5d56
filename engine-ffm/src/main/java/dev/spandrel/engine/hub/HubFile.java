package dev.spandrel.engine.hub;

/**
 * One file of a model on the Hub.
 *
 * @param name file name, without folders
 * @param hash SHA-256 of a large file, else git's SHA-1 of it as a blob; names the blob in the cache
 * @param size length in bytes
 */
record HubFile(String name, String hash, long size) {
    boolean isLarge() {
        return hash.length() == 64;
    }
}
