package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.server.http.TlsFiles.ClientAuth;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What the listener's flags and variables come to. */
class ListenerOptionsTest {
    @TempDir
    private Path folder;

    @Command
    private static final class Line {
        @Mixin
        private ListenerOptions options;

        @Parameters(arity = "0..1")
        private String model;
    }

    private static ListenerSettings settings(Map<String, String> environment, String... arguments) {
        Line line = new Line();
        new CommandLine(line).parseArgs(arguments);
        return line.options.settings(environment::get);
    }

    @Test
    void nothingGivenIsTheDefault() {
        assertThat(settings(Map.of())).isEqualTo(ListenerSettings.DEFAULT);
    }

    @Test
    void keysAddUpAndBeatTheVariables() throws IOException {
        Path file = folder.resolve("keys");
        Files.writeString(file, "three\n\n  four \n");
        Map<String, String> environment = Map.of("VLLM_API_KEY", "v", "SPANDREL_API_KEY", "s");
        assertThat(settings(environment, "--api-key", "one", "m", "--api-key=two", "--api-key-file", file.toString())
                        .apiKeys())
                .containsExactly("one", "two", "three", "four");
        assertThat(settings(environment).apiKeys()).containsExactly("s");
        assertThat(settings(Map.of("VLLM_API_KEY", "v")).apiKeys()).containsExactly("v");
    }

    @Test
    void keysAreNotPrinted() {
        assertThat(settings(Map.of("VLLM_API_KEY", "hidden"))).asString().doesNotContain("hidden");
    }

    @Test
    void tlsTakesOneFileOrTwo() {
        assertThat(settings(Map.of(), "--ssl-certfile", "both.pem")
                        .tls()
                        .orElseThrow()
                        .key())
                .isEqualTo(Path.of("both.pem"));
        ListenerSettings mutual = settings(
                Map.of(),
                "--ssl-certfile",
                "c",
                "--ssl-keyfile",
                "k",
                "--ssl-ca-certs",
                "a",
                "--no-enable-ssl-refresh");
        assertThat(mutual.tls().orElseThrow().clientAuth()).isEqualTo(ClientAuth.REQUIRED);
        assertThat(mutual.tlsRefresh()).isFalse();
        assertThat(settings(Map.of(), "--ssl-certfile", "c", "--ssl-ca-certs", "a", "--ssl-cert-reqs", "1")
                        .tls()
                        .orElseThrow()
                        .clientAuth())
                .isEqualTo(ClientAuth.OPTIONAL);
    }

    @Test
    void originsComeAsListOrJson() {
        assertThat(settings(Map.of(), "--allowed-origins", "https://a, https://b")
                        .cors()
                        .origins())
                .containsExactly("https://a", "https://b");
        assertThat(settings(Map.of(), "--allowed-origins", "[\"https://a\", \"https://b\"]")
                        .cors()
                        .origins())
                .containsExactly("https://a", "https://b");
    }

    @Test
    void sizesComeWithUnits() {
        ListenerSettings settings = settings(Map.of(), "--max-body-size", "1M", "--max-header-size", "64K");
        assertThat(settings.maxBodyBytes()).isEqualTo(1024 * 1024);
        assertThat(settings.maxHeaderBytes()).isEqualTo(64 * 1024);
    }

    @ParameterizedTest
    @CsvSource({
        "--api-key= ,--api-key must not be blank",
        "--ssl-keyfile=k,need --ssl-certfile",
        "--ssl-certfile=c --ssl-cert-reqs=2,--ssl-ca-certs names nobody",
        "--ssl-certfile=c --ssl-ca-certs=a --ssl-cert-reqs=3,must be 0; 1 or 2",
        "--max-body-size=0,--max-body-size must be at least 1",
        "--max-header-size=10,--max-header-size must be at least 1024",
        "--max-concurrent-requests=0,--max-concurrent-requests must be at least 1",
        "--api-key-file=/nowhere/keys,cannot be read"
    })
    void whatCannotBeIsToldByName(String arguments, String message) {
        String[] flags = arguments.equals("--api-key=") ? new String[] {"--api-key= "} : arguments.split(" ");
        assertThatThrownBy(() -> settings(Map.of(), flags))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message.replace(';', ','));
    }
}
