package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.ScheduledExecutorService;

/**
 * One file from the Hub into the cache: what a broken attempt left is continued, the whole is compared with the size and
 * hash that the Hub announced, and only then does it get its name.
 */
final class Download {
    private static final int MOST_ATTEMPTS = 6;
    private static final int BUFFER = 1 << 20;

    private final HubClient client;
    private final HubSettings settings;
    private final String id;
    private final String commit;
    private final Progress progress;
    private final ScheduledExecutorService timer;
    private final Pause pause;

    /**
     * @param timer ends reads that stall
     * @param pause waits between attempts
     */
    Download(
            HubClient client,
            HubSettings settings,
            String id,
            String commit,
            Progress progress,
            ScheduledExecutorService timer,
            Pause pause) {
        this.timer = timer;
        this.pause = pause;
        this.client = client;
        this.settings = settings;
        this.id = id;
        this.commit = commit;
        this.progress = progress;
    }

    /**
     * Brings one file to its place; returns at once when it is there.
     *
     * @throws EngineException.ModelLoad when the Hub refuses, keeps failing, or sends something else than announced
     */
    void fetch(HubFile file, Path blob) throws IOException {
        if (Files.exists(blob)) {
            progress.add(file.size());
            progress.fileDone();
            return;
        }
        Files.createDirectories(blob.getParent());
        Path part = blob.resolveSibling(blob.getFileName() + ".incomplete");
        // One process at a time writes; the others wait and then find it done.
        try (FileChannel out =
                FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            // Closing the channel gives the lock back.
            out.lock();
            if (!Files.exists(blob)) {
                complete(file, out);
                check(file, out);
                out.force(true);
                Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE);
            }
            progress.fileDone();
        }
    }

    private void complete(HubFile file, FileChannel out) throws IOException {
        progress.add(Math.min(out.size(), file.size()));
        IOException last = null;
        int fruitless = 0;
        while (out.size() != file.size() && fruitless < MOST_ATTEMPTS) {
            long before = out.size();
            try {
                attempt(file, out);
            } catch (IOException e) {
                last = e;
            }
            // An attempt that brought something does not count.
            fruitless = out.size() > before ? 0 : fruitless + 1;
            if (out.size() != file.size() && fruitless < MOST_ATTEMPTS) {
                waitBefore(fruitless);
            }
        }
        if (out.size() != file.size()) {
            throw new EngineException.ModelLoad(
                    id,
                    file.name() + ": expected " + file.size() + " bytes, found " + out.size() + " after "
                            + MOST_ATTEMPTS
                            + " attempts" + (last == null ? "" : "; the last said: " + last.getMessage())
                            + ". What is there is kept; start again to continue");
        }
    }

    private void attempt(HubFile file, FileChannel out) throws IOException {
        if (out.size() > file.size()) {
            progress.add(-file.size());
            out.truncate(0);
        }
        HttpResponse<InputStream> answer = client.open(id, commit, file.name(), out.size());
        try (StallGuard body = new StallGuard(answer.body(), settings.readTimeout(), timer)) {
            switch (answer.statusCode()) {
                case 206 -> out.position(out.size());
                case 200 -> {
                    // The server does not continue; from the start then.
                    progress.add(-out.size());
                    out.truncate(0);
                }
                case 416 -> {
                    progress.add(-out.size());
                    out.truncate(0);
                    return;
                }
                default -> {
                    if (answer.statusCode() >= 500 || answer.statusCode() == 429) {
                        throw new IOException("the Hub answered " + answer.statusCode());
                    }
                    throw client.refused(id, file.name(), answer);
                }
            }
            copy(file, body, out);
        }
    }

    private void copy(HubFile file, StallGuard body, FileChannel out) throws IOException {
        byte[] buffer = new byte[BUFFER];
        int read;
        while ((read = body.read(buffer)) >= 0) {
            if (out.position() + read > file.size()) {
                throw new IOException("more than the " + file.size() + " bytes announced");
            }
            ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, read);
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
            progress.add(read);
        }
    }

    private void check(HubFile file, FileChannel out) throws IOException {
        MessageDigest digest = digest(file.isLarge() ? "SHA-256" : "SHA-1");
        if (!file.isLarge()) {
            digest.update(("blob " + file.size() + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
        out.position(0);
        while (out.read(buffer.clear()) >= 0) {
            digest.update(buffer.flip());
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (!found.equals(file.hash())) {
            out.truncate(0);
            throw new EngineException.ModelLoad(
                    id,
                    file.name() + ": expected the hash " + file.hash() + ", found " + found + "; it was thrown away");
        }
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has " + algorithm, e);
        }
    }

    private void waitBefore(int attempt) throws IOException {
        try {
            pause.of(settings.pause().multipliedBy(1L << attempt));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
