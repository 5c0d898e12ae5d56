package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.settings.LayeredDefaults;
import dev.spandrel.sidecar.settings.SettingsFile;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ConfigPrinterTest {
    @TempDir
    private Path folder;

    private String print(Map<String, String> environment, String yaml, String... flags) throws Exception {
        SettingsFile file =
                SettingsFile.read(Files.writeString(folder.resolve("c.yaml"), yaml), ConfigFlag.knownKeys());
        LayeredDefaults defaults = new LayeredDefaults(environment, file);
        Options options = new Options();
        CommandLine line =
                new CommandLine(options).setDefaultValueProvider(defaults).setCaseInsensitiveEnumValuesAllowed(true);
        line.parseArgs(flags);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new ConfigPrinter(line.getCommandSpec(), defaults)
                .print(
                        options.config(environment, file, warning -> {}),
                        options.destinations(environment, file),
                        new PrintStream(out, true, StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void eachLayerBeatsTheOneBelowAndSaysSo() throws Exception {
        String yaml = "{grpc-port: 1, http-port: 2, health-port: 3, otlp-endpoint: 'h:4'}";
        Map<String, String> environment = Map.of(
                "SPANDREL_SIDECAR_GRPC_PORT", "11",
                "SPANDREL_SIDECAR_HTTP_PORT", "12",
                "OTEL_EXPORTER_OTLP_ENDPOINT", "h:14");
        assertThat(print(environment, yaml, "--grpc-port=21"))
                .contains(
                        "grpc-port: 21  # flag",
                        "http-port: 12  # SPANDREL_SIDECAR_HTTP_PORT",
                        "health-port: 3  # file",
                        "concurrency: 1  # default",
                        "traces go to grpc://h:14")
                .doesNotContain("h:4\"");
    }

    @Test
    void secretsAreMaskedAndThePrintedFileCanBeRead() throws Exception {
        String yaml = """
                destinations:
                  archive:
                    endpoint: https://user:s3cret@h:1
                    traces-headers: {authorization: Bearer s3cret, b: 's3cret,s3cret'}
                """;
        String printed =
                print(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "h:1", "OTEL_EXPORTER_OTLP_HEADERS", "s3cret"), yaml);
        assertThat(printed).doesNotContain("s3cret").contains("authorization=****");
        assertThat(print(Map.of(), printed)).contains("archive:", "authorization=****");
    }
}
