package dev.spandrel.engine.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final AtomicLong nanos = new AtomicLong();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @Test
    void writesALineEveryFewSecondsWhereThereIsNoTerminal() {
        Progress progress = progress(false);
        for (int second = 1; second <= 11; second++) {
            nanos.set(second * 1_000_000_000L);
            progress.add(5_000_000);
        }
        progress.finish();
        assertThat(written().lines())
                .containsExactly(
                        "fetching a/b: 25 % of 100.0 MB, 0 of 3 files", "fetching a/b: 50 % of 100.0 MB, 0 of 3 files");
    }

    @Test
    void drawsABarOnATerminal() {
        Progress progress = progress(true);
        nanos.set(100_000_000);
        progress.add(50_000_000);
        progress.fileDone();
        progress.fileDone();
        progress.add(50_000_000);
        progress.fileDone();
        progress.finish();
        assertThat(written())
                .isEqualTo("\ra/b [###############               ]  50 % of 100.0 MB, 0 of 3 files"
                        + "\ra/b [##############################] 100 % of 100.0 MB, 3 of 3 files"
                        + System.lineSeparator());
    }

    private Progress progress(boolean terminal) {
        return new Progress(
                "a/b", 3, 100_000_000, new PrintStream(out, true, StandardCharsets.UTF_8), terminal, nanos::get);
    }

    private String written() {
        return out.toString(StandardCharsets.UTF_8);
    }
}
