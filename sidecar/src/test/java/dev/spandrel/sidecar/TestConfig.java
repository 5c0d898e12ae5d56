package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.settings.SettingsException;
import dev.spandrel.sidecar.settings.SettingsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;

/** Settings as a user gives them, on free ports, small and quick where nothing else is said. */
final class TestConfig {
    private TestConfig() {}

    static SidecarConfig of(Path folder, Map<String, String> variables, String... flags) throws InvalidConfigException {
        List<String> all = new ArrayList<>(List.of(
                "--grpc-port=0",
                "--http-port=0",
                "--health-port=0",
                "--max-request-bytes=" + (1 << 20),
                "--batch-max-age=20",
                "--drain-timeout=5000",
                "--journal-dir=" + folder.resolve("journal")));
        all.addAll(List.of(flags));
        Options options = new Options();
        new CommandLine(options)
                .setOverwrittenOptionsAllowed(true)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .parseArgs(all.toArray(String[]::new));
        try {
            return options.config(variables, SettingsFile.NONE, warning -> {});
        } catch (SettingsException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
