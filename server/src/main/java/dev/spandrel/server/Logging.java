package dev.spandrel.server;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.logging.LogManager;

/**
 * One line per record on stderr, warnings and worse; {@code SPANDREL_LOG_LEVEL} takes another java.util.logging level.
 * A {@code java.util.logging.config.file} of the user's is left alone.
 */
final class Logging {
    private static final String LEVEL_VARIABLE = "SPANDREL_LOG_LEVEL";

    private Logging() {}

    static void configure() {
        if (System.getProperty("java.util.logging.config.file") != null) {
            return;
        }
        String level = System.getenv().getOrDefault(LEVEL_VARIABLE, "WARNING");
        String settings = """
                handlers=java.util.logging.ConsoleHandler
                .level=%s
                java.util.logging.ConsoleHandler.level=ALL
                java.util.logging.SimpleFormatter.format=%%1$tFT%%1$tT.%%1$tL %%4$s %%3$s: %%5$s%%6$s%%n
                """.formatted(level);
        try {
            LogManager.getLogManager()
                    .readConfiguration(new ByteArrayInputStream(settings.getBytes(StandardCharsets.ISO_8859_1)));
        } catch (IOException e) {
            throw new StartException("cannot configure logging", e);
        }
    }
}
