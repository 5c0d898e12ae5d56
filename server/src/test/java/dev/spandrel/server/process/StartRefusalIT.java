package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Starts that cannot succeed: one message that names all that is wrong, an exit code, and no stack trace. */
class StartRefusalIT {
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    @TempDir
    Path temp;

    /** Returns stderr. */
    private static String refused(Launcher command, int exitCode) throws IOException {
        try (LaunchedProcess process = command.start()) {
            assertThat(process.awaitExit()).as("%s", process).isEqualTo(exitCode);
            assertThat(process.out()).as("stdout of %s", process).isEmpty();
            assertThat(process.err()).doesNotContain("\tat ").doesNotContain("Exception");
            return process.err();
        }
    }

    private static Launcher serve(DamagedModel model) {
        return Launcher.spandrel(
                "serve", "--port", "0", "--model", model.folder().toString());
    }

    @Test
    void anUnknownModelIsToldWithThoseThereAre() throws IOException {
        assertThat(refused(Launcher.spandrel("serve", "--port", "0", "--model", "no-such-model"), FAILED))
                .hasLineCount(1)
                .startsWith("spandrel serve: cannot load no-such-model: no such folder")
                .contains("spandrel-tiny");
    }

    @Test
    void aChatTemplateThatIsNoneIsToldWithItsLine() throws IOException {
        assertThat(refused(
                        Launcher.spandrel(
                                "serve", "--port", "0", "--model", "spandrel-tiny", "--chat-template", "{% if %}"),
                        FAILED))
                .hasLineCount(1)
                .startsWith("spandrel serve: cannot load the given chat template: line 1 of the template");
    }

    @Test
    void aGenerationConfigThatIsNotThereIsToldBeforeTheModelIsLookedFor() throws IOException {
        assertThat(refused(
                        Launcher.spandrel(
                                "serve", "--port", "0", "--model", "no-such-model", "--generation-config", "gone"),
                        USAGE))
                .startsWith("spandrel serve: ")
                .contains("--generation-config")
                .contains("there is no folder \"gone\"")
                .doesNotContain("no-such-model");
    }

    @Test
    void allTensorsThatDoNotFitAreToldAtOnce() throws IOException {
        DamagedModel model = DamagedModel.copyTo(temp.resolve("misfit"))
                .replace(
                        "\"model.decoder.layers.0.fc1.weight\":{\"dtype\":\"F16\",\"shape\":[768,192]",
                        "\"model.decoder.layers.0.fc1.weight\":{\"dtype\":\"F16\",\"shape\":[192,768]")
                .replace("\"model.decoder.layers.1.fc2.bias\"", "\"model.decoder.layers.1.fc9.bias\"");
        assertThat(refused(serve(model), FAILED).lines())
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line)
                                .isEqualTo("spandrel serve: cannot load " + model.folder() + ", 3 problems:"),
                        line -> assertThat(line)
                                .contains("model.decoder.layers.0.fc1.weight")
                                .contains("expected shape [768, 192], found [192, 768]"),
                        line -> assertThat(line)
                                .contains("model.decoder.layers.1.fc2.bias")
                                .contains("found nothing"),
                        line -> assertThat(line)
                                .contains("model.decoder.layers.1.fc9.bias")
                                .contains("not part of this architecture"));
    }

    @Test
    void aTensorTooShortForItsShapeIsTold() throws IOException {
        DamagedModel model = DamagedModel.copyTo(temp.resolve("short"))
                .replace("\"data_offsets\":[0,786432]", "\"data_offsets\":[0,786430]");
        assertThat(refused(serve(model), FAILED))
                .startsWith("spandrel serve: cannot load " + model.folder())
                .contains("model.decoder.embed_tokens.weight: F16 [2048, 192] takes 786432 bytes, found 786430");
    }

    @Test
    void aTruncatedFileIsToldWithBothLengths() throws IOException {
        DamagedModel model = DamagedModel.copyTo(temp.resolve("cut")).cut(100);
        assertThat(refused(serve(model), FAILED))
                .hasLineCount(1)
                .contains("model.safetensors: expected 6322944 bytes")
                .contains("found 6322844");
    }

    @Test
    void aTakenPortIsToldWithTheCure() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = String.valueOf(taken.getLocalPort());
            Launcher command =
                    Launcher.spandrel("serve", "--model", "spandrel-tiny", "--host", "127.0.0.1", "--port", port);
            assertThat(refused(command, FAILED))
                    .hasLineCount(1)
                    .startsWith("spandrel serve: cannot listen on 127.0.0.1 port " + port)
                    .contains("--port 0");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"})
    void anUnsupportedProtocolIsAUsageErrorEverywhere(String variable) throws IOException {
        String backend = "127.0.0.1:4317";
        assertThat(refused(Launcher.serve("--otlp-traces-endpoint", backend).with(variable, "http/json"), USAGE))
                .isEqualTo("spandrel serve: " + variable + " must be grpc or http/protobuf, found \"http/json\"");
        assertThat(refused(Launcher.spandrel("client", "Hello").with(variable, "http/json"), USAGE))
                .isEqualTo("spandrel client: " + variable + " must be grpc or http/protobuf, found \"http/json\"");
        Launcher sidecar =
                Launcher.sidecar("--otlp-traces-endpoint", "127.0.0.1:9").with(variable, "carrier/pigeon");
        assertThat(refused(sidecar, USAGE))
                .hasLineCount(1)
                .startsWith("spandrel-sidecar: ")
                .contains(variable, "carrier/pigeon", "grpc", "http/protobuf");
    }
}
