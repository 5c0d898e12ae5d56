package dev.spandrel.sidecar;

import dev.spandrel.sidecar.settings.LayeredDefaults;
import dev.spandrel.sidecar.settings.SettingsException;
import dev.spandrel.sidecar.settings.SettingsFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine;

/** The one flag that must be known before the others: their defaults stand in the file it names. */
final class ConfigFlag {
    private static final String FLAG = "--config";

    private ConfigFlag() {}

    /** The file that a flag or {@code SPANDREL_SIDECAR_CONFIG} names; no settings where neither does. */
    static SettingsFile read(String[] args, Map<String, String> environment) throws SettingsException {
        Optional<String> path = fromFlag(args)
                .or(() -> Optional.ofNullable(environment.get(LayeredDefaults.variable(FLAG.substring(2))))
                        .filter(value -> !value.isBlank()));
        return path.isEmpty() ? SettingsFile.NONE : SettingsFile.read(Path.of(path.get()), knownKeys());
    }

    private static Optional<String> fromFlag(String... args) {
        for (int i = 0; i < args.length; i++) {
            if (args[i].startsWith(FLAG + "=")) {
                return Optional.of(args[i].substring(FLAG.length() + 1));
            }
            if (args[i].equals(FLAG) && i + 1 < args.length) {
                return Optional.of(args[i + 1]);
            }
        }
        return Optional.empty();
    }

    /** The flags that may stand in a file. */
    static Set<String> knownKeys() {
        return new CommandLine(new Options())
                .getCommandSpec().options().stream()
                        .map(LayeredDefaults::key)
                        .filter(key -> !key.equals("destination"))
                        .collect(Collectors.toSet());
    }
}
