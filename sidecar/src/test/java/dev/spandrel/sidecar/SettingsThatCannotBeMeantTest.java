package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.exporter.InvalidConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What could only go wrong later, with every request, is said at the start. */
class SettingsThatCannotBeMeantTest {
    private static final Map<String, String> HTTP =
            Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--journal-max-bytes=65535",
                "--quarantine-max-bytes=-1",
                "--batch-max-age=-1",
                "--drain-timeout=-1",
            })
    void aNumberThatIsTooSmallIsNamed(String flag) {
        String name = flag.substring(2, flag.indexOf('='));
        String value = flag.substring(flag.indexOf('=') + 1);
        assertThatThrownBy(() -> TestConfig.of(folder, HTTP, flag))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(name, value, "expected at least");
    }

    @ParameterizedTest
    @ValueSource(strings = {"host=secret", "Connection=secret", "a b=secret", "x=sec%0Aret"})
    void aHeaderThatHttpCannotSendIsNamedWithoutItsValue(String header) {
        String name = header.substring(0, header.indexOf('=')).toLowerCase(java.util.Locale.ROOT);
        assertThatThrownBy(() -> start("--otlp-headers=" + header))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("the header \"" + name + "\" for traces to http://127.0.0.1:9")
                .hasMessageNotContainingAny("secret", "ret\"");
    }

    @Test
    void headersThatHttpCanSendAreFine() throws Exception {
        try (Sidecar sidecar = start("--otlp-headers=authorization=Bearer%20a,x-tenant=b")) {
            assertThat(sidecar.readyLine()).contains("http://127.0.0.1:9");
        }
    }

    @Test
    void aCheckpointThatCannotBeOpenedIsOneLine() throws Exception {
        Files.createDirectories(folder.resolve("journal/traces/default.checkpoint"));
        assertThatThrownBy(() -> start("--drain-timeout=1"))
                .isInstanceOf(StartException.class)
                .hasMessageContainingAll("cannot open the checkpoint of default", folder.toString());
    }

    private Sidecar start(String... flags) throws InvalidConfigException, StartException {
        return Sidecar.start(TestConfig.of(folder, HTTP, flags), System.out);
    }
}
