package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

/** A JVM that was started without the Vector API's module: plain loops answer, and one line says what to add. */
class PlainJvmIT {
    private static final String CURE = "the Vector API is missing; start java with --add-modules jdk.incubator.vector";
    private static final String BODY =
            "{\"model\":\"spandrel-tiny\",\"prompt\":\"Once upon a time\",\"max_tokens\":8,\"temperature\":0}";

    @Test
    void itServesTheSameTextSlowlyAndSaysOnceWhatToAdd() throws IOException {
        try (LaunchedProcess fast = Launcher.serve("--dtype", "float32").start();
                LaunchedProcess plain = Launcher.plainJvm(
                                "serve", "--model", "spandrel-tiny", "--port", "0", "--dtype", "float32")
                        .start()) {
            String expected = text(fast);
            assertThat(text(plain)).isEqualTo(expected).isNotBlank();
            assertThat(plain.stop()).as("%s", plain).isZero();
            assertThat(plain.err().lines().filter(line -> line.contains("jdk.incubator.vector")))
                    .singleElement()
                    .asString()
                    .endsWith("backend=reference, far slower than cpu: " + CURE);
            assertThat(plain.out()).doesNotContain("jdk.incubator.vector");
        }
    }

    @Test
    void whoNamesTheBackendIsRefusedWithTheCure() throws IOException {
        try (LaunchedProcess process = Launcher.plainJvm("serve", "--model", "spandrel-tiny", "--backend", "cpu")
                .start()) {
            assertThat(process.awaitExit()).as("%s", process).isEqualTo(1);
            assertThat(process.err()).contains("--backend cpu: " + CURE).doesNotContain("\tat ");
        }
    }

    @Test
    void theDoctorNotesIt() throws IOException {
        try (LaunchedProcess doctor = Launcher.plainJvm("doctor", "--port", "0").start()) {
            assertThat(doctor.awaitExit()).as("%s", doctor).isZero();
            assertThat(doctor.out())
                    .contains("note   backend cpu", CURE, "note   CPU kernels    none, plain loops run")
                    .contains("ok     model load", "Nothing is wrong.");
        }
    }

    private static String text(LaunchedProcess server) {
        try (Api api = new Api(server.awaitServerPort())) {
            assertThat(api.get("/health").statusCode()).isEqualTo(200);
            HttpResponse<String> answer = api.complete(BODY);
            assertThat(answer.statusCode()).isEqualTo(200);
            return Api.json(answer.body()).path("choices").path(0).path("text").asString();
        }
    }
}
