package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** {@code serve --config}; vLLM's tests of its configuration file. */
class ConfigFileTest {
    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("serve.yaml");
        Files.writeString(file, """
                model: folder/m
                served-model-name: [a, b]
                port: 0
                max_num_seqs: 3
                max-model-len: 1k
                enable-prefix-caching: false
                enable-force-include-usage: true
                enable-per-request-metrics: false
                default-chat-template-kwargs: {enable_thinking: false}
                override-generation-config: '{"max_new_tokens": 5}'
                """);
    }

    private ServerConfig config(String... flags) {
        String[] all = ConfigFile.expand(
                Main.commandLine(_ -> {}),
                Stream.concat(Stream.of("serve"), Arrays.stream(flags)).toArray(String[]::new));
        ServeCommand command = new ServeCommand(_ -> {});
        new CommandLine(command).parseArgs(Arrays.copyOfRange(all, 1, all.length));
        return command.config();
    }

    @Test
    void itsFlagsAreInForce() {
        ServerConfig config = config("--config", file.toString());
        assertThat(config.engine().model()).isEqualTo("folder/m");
        assertThat(config.api().servedModelNames()).isEqualTo(List.of("a", "b"));
        assertThat(config.port()).isZero();
        assertThat(config.engine().maxNumSeqs()).isEqualTo(3);
        assertThat(config.engine().maxModelLen()).isEqualTo(1000);
        assertThat(config.engine().prefixCaching()).isFalse();
        assertThat(config.api().forceIncludeUsage()).isTrue();
        assertThat(config.api().perRequestMetrics()).isFalse();
        assertThat(config.api().defaults().chatTemplateKwargs()).containsEntry("enable_thinking", false);
        assertThat(config.api().defaults().generation().maxNewTokens()).hasValue(5);
    }

    @Test
    void theCommandLineWins() {
        ServerConfig config = config(
                "other",
                "--config=" + file,
                "--max-num-seqs=9",
                "--enable-prefix-caching",
                "--served-model-name=c",
                "--port",
                "7");
        assertThat(config.engine().model()).isEqualTo("other");
        assertThat(config.engine().maxNumSeqs()).isEqualTo(9);
        assertThat(config.engine().prefixCaching()).isTrue();
        assertThat(config.api().servedModelNames()).isEqualTo(List.of("c"));
        assertThat(config.port()).isEqualTo(7);
        assertThat(config.engine().maxModelLen()).isEqualTo(1000);
        assertThat(config("--model=named", "--config=" + file).engine().model()).isEqualTo("named");
    }

    @Test
    void anEmptyFileChangesNothing() throws IOException {
        Files.writeString(file, "# nothing\n");
        assertThat(ConfigFile.expand(Main.commandLine(_ -> {}), "serve", "m", "--config=" + file))
                .containsExactly("serve", "m", "--config=" + file);
        assertThat(ConfigFile.expand(Main.commandLine(_ -> {}), "client", "--config=" + file))
                .containsExactly("client", "--config=" + file);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nonsense: 1|\"nonsense\" is no flag of serve",
                "config: x.yaml|\"config\" is no flag of serve",
                "help: true|\"help\" is no flag of serve",
                "port: [1, 2]|port: expected one value, found [1, 2]",
                "port:|port: expected a value, found none",
                "access-log: maybe|access-log: expected true or false, found maybe",
                "- port|expected a mapping of flags to values",
                "'a: [b'|is not YAML",
                "port: x|--port",
                "max-num-seqs: 0|--max-num-seqs must be at least 1"
            })
    void wrongFilesAreOneMessageAndExit2(String yaml, String message) throws IOException {
        Files.writeString(file, yaml);
        assertRefused(file, message);
    }

    @Test
    void filesThatCannotBeReadAreToldOf() throws IOException {
        assertRefused(folder.resolve("none.yaml"), "cannot be read");
        Files.writeString(file, "#".repeat((1 << 20) + 1));
        assertRefused(file, "expected at most 1048576 bytes, found 1048577");
        assertThatThrownBy(() -> ConfigFile.expand(
                        Main.commandLine(_ -> {}),
                        "serve",
                        "--config",
                        folder.resolve("none.yaml").toString()))
                .isInstanceOf(CommandLine.ParameterException.class);
    }

    private static void assertRefused(Path file, String message) {
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine(_ -> {});
        line.setErr(new PrintWriter(err, true));
        assertThat(Main.run(line, "serve", "m", "--config", file.toString())).isEqualTo(2);
        assertThat(err.toString())
                .startsWith("spandrel serve: ")
                .contains(message)
                .doesNotContain("\tat ");
    }
}
