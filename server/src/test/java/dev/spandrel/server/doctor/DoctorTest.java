package dev.spandrel.server.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.BackendCheck;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.doctor.Finding.Level;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Each thing the doctor looks at, well and ill; the exit code says whether something is wrong. */
class DoctorTest {
    @TempDir
    private Path folder;

    private Finding machine(String subject) {
        return new MachineChecks(folder)
                        .all(List.of(
                                new BackendCheck("cpu", true, "found", ""),
                                new BackendCheck("cuda", false, "none", "")))
                        .stream()
                        .filter(finding -> finding.subject().equals(subject))
                        .findFirst()
                        .orElseThrow();
    }

    private void write(String file, String text) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    @Test
    void limitsOfTheContainerAreTold() throws IOException {
        write("sys/fs/cgroup/cpu.max", "150000 100000\n");
        write("sys/fs/cgroup/memory.max", "99999999999\n");
        write("proc/cpuinfo", "processor\t: 0\nmodel name\t: A CPU\nprocessor\t: 1\n");
        write("proc/meminfo", "MemTotal:       1048576 kB\n");
        assertThat(machine("processors").found()).contains("container limit 1.5", "A CPU");
        assertThat(machine("memory").found()).contains("container limit 95367 MiB", "machine 1024 MiB");
        assertThat(machine("memory").level()).isEqualTo(Level.OK);
        assertThat(machine("JDK").level()).isEqualTo(Level.OK);
        assertThat(machine("backend cpu").level()).isEqualTo(Level.OK);
        assertThat(machine("backend cuda").level()).isEqualTo(Level.NOTE);
    }

    @Test
    void aHeapThatTakesTheContainerIsWrong() throws IOException {
        write("sys/fs/cgroup/memory.max", String.valueOf(Runtime.getRuntime().maxMemory()));
        assertThat(machine("memory").level()).isEqualTo(Level.WRONG);
        assertThat(machine("memory").cure()).contains("-Xmx");
    }

    @Test
    void withoutLimitsNoneAreTold() throws IOException {
        write("sys/fs/cgroup/memory.max", "max\n");
        write("sys/fs/cgroup/cpu.max", "max 100000\n");
        assertThat(machine("memory").found()).doesNotContain("container");
        assertThat(machine("processors").found()).doesNotContain("container");
    }

    @Test
    void fewFilesAreNoted() throws IOException {
        write("proc/self/limits", "Max open files            1024                 1048576              files     \n");
        assertThat(machine("open files").level()).isEqualTo(Level.NOTE);
        assertThat(machine("open files").cure()).contains("ulimit");
    }

    @Test
    void aTakenPortIsWrong() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            assertThat(NetworkChecks.port(null, taken.getLocalPort()).level()).isEqualTo(Level.WRONG);
        }
        assertThat(NetworkChecks.port("127.0.0.1", 0).level()).isEqualTo(Level.OK);
    }

    @Test
    void telemetryIsReachedOrNot() throws IOException {
        Map<String, String> none = Map.of();
        int port;
        try (ServerSocket there = new ServerSocket(0)) {
            port = there.getLocalPort();
            assertThat(NetworkChecks.telemetry("127.0.0.1:" + port, none::get).level())
                    .isEqualTo(Level.OK);
        }
        assertThat(NetworkChecks.telemetry("127.0.0.1:" + port, none::get).level())
                .isEqualTo(Level.WRONG);
        assertThat(NetworkChecks.telemetry(null, none::get).level()).isEqualTo(Level.NOTE);
        assertThat(NetworkChecks.telemetry("ftp://x", none::get).level()).isEqualTo(Level.WRONG);
    }

    private List<Finding> model(String name, Function<EngineConfig, Engine> engines) {
        return new ModelChecks(folder, engines).all(name);
    }

    @Test
    void aModelThatIsNotThereNamesThoseThatAre() throws IOException {
        write("one/config.json", "{}");
        assertThat(model("two", _ -> new ScriptedEngine())).singleElement().satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(Level.WRONG);
            assertThat(finding.cure()).isEqualTo("there are: one");
        });
        assertThat(model("someone/two", _ -> new ScriptedEngine()))
                .singleElement()
                .satisfies(finding -> assertThat(finding.level()).isEqualTo(Level.NOTE));
    }

    @Test
    void aModelIsLoadedAndItsKernelsCompared() throws IOException {
        write("one/config.json", "{}");
        assertThat(model("one", _ -> new ScriptedEngine()))
                .extracting(Finding::level)
                .containsExactly(Level.OK, Level.OK, Level.OK);
        assertThat(model("one", config -> saying(config.backend()))).last().satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(Level.WRONG);
            assertThat(finding.found()).contains("\"auto\"", "\"reference\"");
        });
        assertThat(model("one", _ -> {
                    throw new EngineException.ModelLoad("one", "no weights");
                }))
                .last()
                .satisfies(finding -> assertThat(finding.found()).contains("no weights"));
    }

    @Test
    void aGgufFileIsAModelToo() throws IOException {
        write("one.gguf", "GGUF");
        write("other.txt", "none");
        assertThat(model(folder.resolve("one.gguf").toString(), _ -> new ScriptedEngine()))
                .extracting(Finding::level)
                .containsExactly(Level.OK, Level.OK, Level.OK);
        assertThat(model("one.gguf", _ -> new ScriptedEngine()))
                .first()
                .satisfies(finding -> assertThat(finding.subject()).isEqualTo("model file"));
        assertThat(model("other.txt", _ -> new ScriptedEngine()))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.level()).isEqualTo(Level.WRONG);
                    assertThat(finding.cure()).isEqualTo("there are: one.gguf");
                });
    }

    @Test
    void aPortThatCannotBeIsAWrongFlag() {
        StringWriter err = new StringWriter();
        CommandLine line = new CommandLine(new DoctorCommand(_ -> new ScriptedEngine())).setErr(new PrintWriter(err));
        assertThat(line.execute("--port", "99999")).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("--port must be between 0 and 65535, found 99999");
    }

    private static ScriptedEngine saying(String text) {
        return new ScriptedEngine()
                .script(request -> ScriptedGeneration.silent(request).finish(text, FinishReason.STOP));
    }

    @Test
    void theExitCodeSaysWhetherSomethingIsWrong() throws IOException {
        write("one/config.json", "{}");
        StringWriter out = new StringWriter();
        CommandLine line = new CommandLine(new DoctorCommand(_ -> new ScriptedEngine())).setOut(new PrintWriter(out));
        String models = folder.toString();
        assertThat(line.execute("--model", "one", "--models", models, "--port", "0"))
                .as("%s", out)
                .isZero();
        assertThat(out.toString()).contains("ok     JDK").endsWith("Nothing is wrong." + System.lineSeparator());
        assertThat(line.execute("--model", "two", "--models", models, "--port", "0"))
                .isEqualTo(1);
        assertThat(out.toString()).endsWith("1 wrong." + System.lineSeparator());
    }
}
