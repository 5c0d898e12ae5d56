package dev.spandrel.engine.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/**
 * Compiled kernels on disk, named by the hash of all that goes into them: sources, options, architecture, NVRTC's version. A
 * file that is damaged is compiled anew; a folder that cannot be written costs the time of compiling, nothing else.
 */
public final class KernelCache {
    private static final int DIGEST_BYTES = 32;
    private static final System.Logger LOG = System.getLogger(KernelCache.class.getName());

    private final Path folder;
    private final int nvrtc;

    /** @param nvrtc NVRTC's version, part of every name */
    public KernelCache(Path folder, int nvrtc) {
        this.folder = folder;
        this.nvrtc = nvrtc;
    }

    /** The cubin, compiled when it is not there. */
    public byte[] cubin(KernelSource source, String architecture) {
        Path file = folder.resolve(key(source, architecture) + ".cubin");
        byte[] kept = read(file);
        if (kept != null) {
            return kept;
        }
        byte[] cubin = KernelCompiler.compile(source, architecture).cubin();
        write(file, cubin);
        return cubin;
    }

    private String key(KernelSource source, String architecture) {
        MessageDigest digest = sha256();
        add(digest, Integer.toString(nvrtc));
        KernelCompiler.options(source, architecture).forEach(option -> add(digest, option));
        add(digest, source.text());
        Map<String, String> headers = new TreeMap<>(source.headers());
        headers.forEach((name, text) -> {
            add(digest, name);
            add(digest, text);
        });
        return source.name().replaceAll("[^a-z0-9]", "-") + "-" + HexFormat.of().formatHex(digest.digest(), 0, 16);
    }

    private static void add(MessageDigest digest, String part) {
        digest.update(part.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
    }

    /** The file's content when its checksum, the first bytes, says that it is whole. */
    private static byte[] read(Path file) {
        try {
            if (!Files.isRegularFile(file)) {
                return null;
            }
            byte[] all = Files.readAllBytes(file);
            if (all.length <= DIGEST_BYTES) {
                return null;
            }
            byte[] cubin = java.util.Arrays.copyOfRange(all, DIGEST_BYTES, all.length);
            byte[] expected = java.util.Arrays.copyOf(all, DIGEST_BYTES);
            return MessageDigest.isEqual(sha256().digest(cubin), expected) ? cubin : null;
        } catch (IOException _) {
            return null;
        }
    }

    private void write(Path file, byte[] cubin) {
        try {
            Files.createDirectories(folder);
            Path part = Files.createTempFile(folder, "kernel", ".part");
            byte[] all = java.util.Arrays.copyOf(sha256().digest(cubin), DIGEST_BYTES + cubin.length);
            System.arraycopy(cubin, 0, all, DIGEST_BYTES, cubin.length);
            Files.write(part, all);
            // Two processes may compile the same kernel; either file will do.
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "compiled kernels cannot be kept in {0}: {1}", folder, e.toString());
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
