package dev.spandrel.engine.scheduler;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Names the content of a full KV block and of all before it: SHA-256 of the parent's hash, the block's tokens and, in the
 * first block, the request's salt. Equal hashes are taken for equal content, which is why it is a cryptographic one.
 *
 * @param a first eight bytes
 * @param b second eight bytes
 * @param c third eight bytes
 * @param d last eight bytes
 */
record BlockHash(long a, long b, long c, long d) {
    /** Parent of first blocks. */
    static final BlockHash ROOT = new BlockHash(0, 0, 0, 0);

    /** Makes hashes; one thread. */
    static final class Digester {
        private final MessageDigest digest;
        private ByteBuffer buffer = ByteBuffer.allocate(256);

        Digester() {
            try {
                digest = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }

        /**
         * Hash of the block that holds tokens {@code from} to {@code to − 1}.
         *
         * @param salt keeps caches of different tenants apart; empty for none, and read in the first block only
         */
        BlockHash hash(BlockHash parent, int[] tokens, int from, int to, byte[] salt) {
            int size = 32 + 4 * (to - from) + (from == 0 ? salt.length : 0);
            if (buffer.capacity() < size) {
                buffer = ByteBuffer.allocate(size);
            }
            buffer.clear();
            buffer.putLong(parent.a).putLong(parent.b).putLong(parent.c).putLong(parent.d);
            for (int i = from; i < to; i++) {
                buffer.putInt(tokens[i]);
            }
            if (from == 0) {
                buffer.put(salt);
            }
            digest.update(buffer.array(), 0, buffer.position());
            ByteBuffer out = ByteBuffer.wrap(digest.digest());
            return new BlockHash(out.getLong(), out.getLong(), out.getLong(), out.getLong());
        }
    }
}
