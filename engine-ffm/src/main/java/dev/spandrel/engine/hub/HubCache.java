package dev.spandrel.engine.hub;

import dev.spandrel.engine.checkpoint.GgufMetadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One model in the cache that Hugging Face's own tools share: contents under {@code blobs} by hash, one folder of links per
 * commit under {@code snapshots}, and under {@code refs} the commit a branch was at last.
 */
final class HubCache {
    private final Path root;

    HubCache(Path cache, String id) {
        root = cache.resolve("models--" + id.replace("/", "--"));
    }

    /** Where the content of a file is, or will be. */
    Path blob(HubFile file) {
        return root.resolve("blobs").resolve(file.hash());
    }

    Path snapshot(String commit) {
        return root.resolve("snapshots").resolve(commit);
    }

    /** The folder of a branch, tag or commit as far as this machine knows. */
    Optional<Path> known(String revision) {
        Path ref = root.resolve("refs").resolve(revision);
        try {
            String commit = Files.isRegularFile(ref)
                    ? Files.readString(ref, StandardCharsets.UTF_8).strip()
                    : revision;
            return Optional.of(snapshot(commit)).filter(HubCache::isModel);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static boolean isModel(Path folder) {
        if (Files.exists(folder.resolve("config.json"))) {
            return true;
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.anyMatch(GgufMetadata::isGguf);
        } catch (IOException e) {
            return false;
        }
    }

    /** Makes a file that is whole visible in its snapshot. */
    void link(String commit, HubFile file) throws IOException {
        Path link = snapshot(commit).resolve(file.name());
        if (Files.exists(link)) {
            return;
        }
        Files.createDirectories(link.getParent());
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, link.getParent().relativize(blob(file)));
    }

    /** Notes where a branch is now; another process never sees half a note. */
    void remember(String revision, String commit) throws IOException {
        Path ref = root.resolve("refs").resolve(revision);
        Files.createDirectories(ref.getParent());
        Path draft = Files.createTempFile(ref.getParent(), "ref", ".tmp");
        Files.writeString(draft, commit, StandardCharsets.UTF_8);
        Files.move(draft, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
