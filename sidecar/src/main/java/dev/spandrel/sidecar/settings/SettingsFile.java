package dev.spandrel.sidecar.settings;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.schema.FailsafeSchema;

/**
 * A configuration file: the flags' names without dashes as keys, and under {@code destinations} the exporter settings of
 * each destination by name. All scalars are texts here, so {@code on} and {@code 0x10} mean what they say; lists become
 * lines.
 *
 * @param settings by key
 * @param destinations exporter settings by destination
 */
public record SettingsFile(Map<String, String> settings, Map<String, DestinationSettings> destinations) {
    public static final SettingsFile NONE = new SettingsFile(Map.of(), Map.of());
    private static final String DESTINATIONS = "destinations";
    private static final String OTLP = "otlp-";

    /**
     * Reads a file.
     *
     * @param known the keys there are, to tell a typo
     */
    public static SettingsFile read(Path path, Set<String> known) throws SettingsException {
        try (Reader reader = Files.newBufferedReader(path)) {
            LoadSettings settings = LoadSettings.builder()
                    .setLabel(path.toString())
                    .setSchema(new FailsafeSchema())
                    .build();
            Iterator<Object> documents =
                    new Load(settings).loadAllFromReader(reader).iterator();
            if (!documents.hasNext()) {
                return NONE;
            }
            SettingsFile file = parse(map(documents.next(), path.toString()), known);
            if (documents.hasNext()) {
                throw new SettingsException(path + ": expected one YAML document, found more");
            }
            return file;
        } catch (YamlEngineException e) {
            throw new SettingsException(
                    "%s is not YAML: %s".formatted(path, e.getMessage().replaceAll("\\s*\n\\s*", " ")));
        } catch (IOException e) {
            throw new SettingsException("the configuration file cannot be read: " + e);
        }
    }

    private static SettingsFile parse(Map<?, ?> root, Set<String> known) throws SettingsException {
        Map<String, String> settings = new LinkedHashMap<>();
        Map<String, DestinationSettings> destinations = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : root.entrySet()) {
            String key = entry.getKey().toString();
            if (key.equals(DESTINATIONS)) {
                addDestinations(map(entry.getValue(), key), destinations);
            } else if (!known.contains(key)) {
                throw new SettingsException("\"%s\" is no setting; expected one of %s or destinations"
                        .formatted(key, String.join(", ", new TreeSet<>(known))));
            } else if (key.startsWith(OTLP)) {
                destinations
                        .computeIfAbsent(DestinationSettings.DEFAULT, _ -> new DestinationSettings())
                        .put(key.substring(OTLP.length()), text(entry.getValue(), key));
            } else {
                settings.put(key, text(entry.getValue(), key));
            }
        }
        return new SettingsFile(settings, destinations);
    }

    private static void addDestinations(Map<?, ?> named, Map<String, DestinationSettings> destinations)
            throws SettingsException {
        for (Map.Entry<?, ?> destination : named.entrySet()) {
            String name = DestinationSettings.checkName(destination.getKey().toString());
            DestinationSettings settings = destinations.computeIfAbsent(name, _ -> new DestinationSettings());
            for (Map.Entry<?, ?> option : map(destination.getValue(), name).entrySet()) {
                String key = option.getKey().toString();
                settings.put(key, text(option.getValue(), name + "." + key));
            }
        }
    }

    private static Map<?, ?> map(Object value, String where) throws SettingsException {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new SettingsException("%s: expected names with values, found %s".formatted(where, kind(value)));
    }

    private static String text(Object value, String where) throws SettingsException {
        return switch (value) {
            case null -> "";
            case String text -> text;
            case List<?> list
            when list.stream().allMatch(String.class::isInstance) ->
                list.stream().map(Object::toString).collect(Collectors.joining("\n"));
            case Map<?, ?> map
            when where.endsWith("headers") ->
                map.entrySet().stream()
                        .map(header -> header.getKey() + "="
                                + encoded(header.getValue().toString()))
                        .collect(Collectors.joining(","));
            default -> throw new SettingsException("%s: expected a text, found %s".formatted(where, kind(value)));
        };
    }

    /** Header values are percent-encoded where they are read, so that a comma can stand in one. */
    private static String encoded(String value) {
        return value.replace("%", "%25").replace(",", "%2C");
    }

    private static String kind(Object value) {
        return switch (value) {
            case null -> "nothing";
            case Map<?, ?> _ -> "names with values";
            case List<?> _ -> "a list of other things than texts";
            default -> "\"" + value + "\"";
        };
    }
}
