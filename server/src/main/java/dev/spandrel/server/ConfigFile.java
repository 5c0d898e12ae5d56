package dev.spandrel.server;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import tools.jackson.databind.json.JsonMapper;

/**
 * The file of {@code serve --config}: the names of flags without dashes as keys. Its flags go in front of those of the
 * command line, but for those that the command line gives itself. Truth values are for flags without a value, lists for flags
 * that come several times, mappings for flags that take JSON.
 */
final class ConfigFile {
    private static final String FLAG = "--config";
    private static final String SERVE = "serve";

    /** Far beyond every flag there is. */
    private static final long MAX_BYTES = 1 << 20;

    private final CommandLine serve;
    private final Path file;
    private final Set<OptionSpec> given;
    private final boolean modelGiven;

    private ConfigFile(CommandLine serve, Path file, ParseResult parsed) {
        this.serve = serve;
        this.file = file;
        this.given = Set.copyOf(parsed.matchedOptionsSet());
        this.modelGiven = parsed.hasMatchedPositional(0);
    }

    /**
     * The command line with the flags of its file, where it names one.
     *
     * @param line whose {@code serve} reports what is wrong
     * @throws ParameterException when the file cannot be read, or does not hold flags
     */
    static String[] expand(CommandLine line, String... args) {
        boolean named = Arrays.stream(args).anyMatch(arg -> arg.equals(FLAG) || arg.startsWith(FLAG + "="));
        if (!named || !args[0].equals(SERVE)) {
            return args;
        }
        String[] flags = Arrays.copyOfRange(args, 1, args.length);
        ParseResult parsed;
        try {
            parsed = new CommandLine(new ServeCommand(_ -> {})).parseArgs(flags);
        } catch (ParameterException e) {
            // The line proper says it.
            return args;
        }
        String path = parsed.matchedOptionValue(FLAG, "");
        if (path.isEmpty()) {
            return args;
        }
        ConfigFile config = new ConfigFile(line.getSubcommands().get(SERVE), Path.of(path), parsed);
        List<String> all = new ArrayList<>(List.of(SERVE));
        config.read().forEach((key, value) -> config.addFlag(String.valueOf(key), value, all));
        all.addAll(List.of(flags));
        return all.toArray(String[]::new);
    }

    private Map<?, ?> read() {
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw wrong("expected at most " + MAX_BYTES + " bytes, found " + size);
            }
        } catch (IOException e) {
            throw wrong("cannot be read: " + e);
        }
        try (Reader reader = Files.newBufferedReader(file)) {
            Object document =
                    new Load(LoadSettings.builder().setLabel(file.toString()).build()).loadFromReader(reader);
            if (document == null) {
                return Map.of();
            }
            if (document instanceof Map<?, ?> flags) {
                return flags;
            }
            throw wrong("expected a mapping of flags to values, found " + document);
        } catch (YamlEngineException e) {
            throw wrong("is not YAML: " + e.getMessage().replaceAll("\\s*\n\\s*", " "));
        } catch (IOException e) {
            throw wrong("cannot be read: " + e);
        }
    }

    private void addFlag(String key, Object value, List<String> args) {
        String name = "--" + key.replace('_', '-');
        OptionSpec option = serve.getCommandSpec().optionsMap().get(name);
        if (option == null || option.usageHelp() || option.versionHelp() || name.equals(FLAG)) {
            throw wrong("\"" + key + "\" is no flag of serve; see serve --help");
        }
        boolean overridden =
                given.stream().anyMatch(other -> List.of(other.names()).contains(name))
                        || modelGiven && name.equals("--model");
        if (overridden) {
            return;
        }
        if (option.arity().max() == 0) {
            addSwitch(key, option, value, args);
        } else if (value instanceof List<?> values && option.isMultiValue()) {
            values.forEach(one -> args.add(name + "=" + text(key, one)));
        } else {
            args.add(name + "=" + text(key, value));
        }
    }

    private void addSwitch(String key, OptionSpec option, Object value, List<String> args) {
        if (!(value instanceof Boolean on)) {
            throw wrong(key + ": expected true or false, found " + value);
        }
        if (on) {
            args.add(option.longestName());
        } else if (option.negatable()) {
            args.add("--no-" + option.longestName().substring("--".length()));
        }
    }

    private String text(String key, Object value) {
        return switch (value) {
            case String text -> text;
            case Map<?, ?> object -> JsonMapper.shared().writeValueAsString(object);
            case Number number -> number.toString();
            case Boolean truth -> truth.toString();
            case List<?> list -> throw wrong(key + ": expected one value, found " + list);
            case null -> throw wrong(key + ": expected a value, found none");
            default -> throw wrong(key + ": expected a text, a number or a mapping, found " + value);
        };
    }

    private ParameterException wrong(String problem) {
        return new ParameterException(serve, FLAG + " " + file + ": " + problem);
    }
}
