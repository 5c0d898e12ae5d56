package dev.spandrel.engine.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.spandrel.engine.cuda.KernelCompiler;
import dev.spandrel.engine.cuda.KernelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every kernel by the real NVRTC, which needs no GPU: no warning, and the registers and spilled bytes of a committed table.
 * {@code SPANDREL_NVRTC} names the folder of libnvrtc; without it the tests are skipped. {@code
 * -Dspandrel.kernels.write=true} writes the table anew.
 */
@SuppressWarnings("restricted")
class KernelsNvrtcTest {
    private static final Path TABLE = Path.of("src/test/resources/cuda-kernels.tsv");
    private static final Pattern RARE = Pattern.compile("WEIGHT_Q(4_1|5_|2_K|3_K|4_K|5_K|6_K)");
    private static final Pattern ENTRY = Pattern.compile("Compiling entry function '(\\w+)'");
    private static final Pattern SPILLS = Pattern.compile("(\\d+) bytes spill stores, (\\d+) bytes spill loads");
    private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");

    @BeforeAll
    static void load() throws IOException {
        String folder = System.getenv().getOrDefault("SPANDREL_NVRTC", "");
        if (folder.isEmpty()) {
            abort("SPANDREL_NVRTC names no folder with libnvrtc.so.13: kernels are not compiled by the real NVRTC");
        }
        try (Stream<Path> files = Files.list(Path.of(folder))) {
            List<Path> libraries = files.filter(file -> !file.toString().contains(".alt."))
                    .filter(file -> file.getFileName().toString().startsWith("libnvrtc"))
                    // The builtins first: NVRTC opens them by soname.
                    .sorted()
                    .toList();
            assertThat(libraries).as("libraries in %s", folder).hasSizeGreaterThanOrEqualTo(2);
            libraries.forEach(library -> System.load(library.toAbsolutePath().toString()));
        }
    }

    @Test
    void itIsOneThatKnowsBlackwell() {
        assertThat(KernelCompiler.version()).isGreaterThanOrEqualTo(12_080);
        assertThat(KernelCompiler.architectures()).contains(75, 80, 89, 90, 100);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sm_75", "sm_80", "sm_89", "sm_90", "sm_100"})
    void compilesWithoutWarningAsRecorded(String architecture) throws IOException {
        // GGUF's rarer types take five times as long to compile as the others: for one architecture.
        List<String> found = CudaKernels.all().parallelStream()
                .filter(source -> architecture.equals("sm_90")
                        || source.options().stream()
                                .noneMatch(option -> RARE.matcher(option).find()))
                // Copies that arrive later and BF16 fragments came with sm_80; nobody asks for them before.
                .filter(source ->
                        !architecture.equals("sm_75") || !source.name().equals("prefill.cu"))
                .flatMap(source -> lines(source, architecture).stream())
                .sorted()
                .toList();
        if (Boolean.getBoolean("spandrel.kernels.write")) {
            write(architecture, found);
        }
        List<String> expected = Files.readAllLines(TABLE).stream()
                .filter(line -> line.startsWith(architecture + "\t"))
                .toList();
        if (KernelCompiler.version() / 1000 == 13) {
            assertThat(found)
                    .as(
                            "registers and spilled bytes by the pinned NVRTC; -Dspandrel.kernels.write=true writes %s anew",
                            TABLE)
                    .isEqualTo(expected);
        }
    }

    /** Architecture, source with options, kernel, registers, bytes spilled. */
    private static List<String> lines(KernelSource source, String architecture) {
        List<String> options = new ArrayList<>(source.options());
        options.add("--ptxas-options=-v");
        KernelSource verbose = new KernelSource(source.name(), source.text(), source.headers(), options);
        String log = KernelCompiler.compile(verbose, architecture).log();
        assertThat(log).as("%s %s", source.name(), source.options()).doesNotContainIgnoringCase("warning");
        List<String> lines = new ArrayList<>();
        String kernel = "";
        int spilled = 0;
        for (String line : log.split("\n")) {
            Matcher entry = ENTRY.matcher(line);
            Matcher spills = SPILLS.matcher(line);
            Matcher registers = REGISTERS.matcher(line);
            if (entry.find()) {
                kernel = entry.group(1);
            } else if (spills.find()) {
                spilled = Integer.parseInt(spills.group(1)) + Integer.parseInt(spills.group(2));
            } else if (registers.find()) {
                String form = source.name() + String.join(" ", source.options());
                lines.add(String.join("\t", architecture, form, kernel, registers.group(1), "" + spilled));
            }
        }
        assertThat(lines).as("kernels in %s", source.name()).isNotEmpty();
        return lines;
    }

    private static void write(String architecture, List<String> lines) throws IOException {
        TreeSet<String> all = new TreeSet<>(lines);
        if (Files.exists(TABLE)) {
            Files.readAllLines(TABLE).stream()
                    .filter(line -> !line.startsWith(architecture + "\t"))
                    .forEach(all::add);
        }
        Files.write(TABLE, all);
    }
}
