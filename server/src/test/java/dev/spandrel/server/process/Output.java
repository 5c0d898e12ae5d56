package dev.spandrel.server.process;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;

/** What a process has written to one stream so far, gathered by a thread of its own so that the process never blocks. */
final class Output {
    private final StringBuffer text = new StringBuffer();
    private final Thread reader;

    Output(String name, InputStream stream) {
        this.reader = Thread.ofPlatform().daemon().name(name).start(() -> read(stream));
    }

    private void read(InputStream stream) {
        char[] buffer = new char[4096];
        try (Reader decoded = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
            for (int n = decoded.read(buffer); n >= 0; n = decoded.read(buffer)) {
                text.append(buffer, 0, n);
            }
        } catch (IOException e) {
            text.append("(the stream broke: ").append(e).append(")\n");
        }
    }

    String text() {
        return text.toString();
    }

    /** Whether the process, and whoever inherited the stream from it, has closed it. */
    boolean ended() {
        return !reader.isAlive();
    }
}
