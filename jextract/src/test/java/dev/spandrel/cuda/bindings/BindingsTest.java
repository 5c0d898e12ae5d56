package dev.spandrel.cuda.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The committed bindings against their checksums, their allow-lists, and what a C compiler said of the real headers. */
class BindingsTest {
    private static final Path OUTPUT = Path.of("src/main/java/dev");
    private static final String PACKAGE = "dev.spandrel.cuda.bindings.";
    private static final List<String> HEADERS =
            List.of("driver.cuda_h", "cublas.cublas_v2_h", "cublaslt.cublasLt_h", "nvrtc.nvrtc_h");

    @Test
    void listsAndOutputAreAsGenerated() throws Exception {
        List<String> found = new ArrayList<>();
        for (Path file : files(Path.of("args"), OUTPUT)) {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
            found.add(HexFormat.of().formatHex(digest) + "  " + file.toString().replace('\\', '/'));
        }
        assertThat(found)
                .as("files and checksums; after generate.sh they are written anew, by hand they must not change")
                .containsExactlyInAnyOrderElementsOf(Files.readAllLines(Path.of("checksums.txt")));
    }

    @Test
    void everyListedFunctionAndConstantIsBound() throws Exception {
        List<String> missing = new ArrayList<>();
        int count = 0;
        for (Path list : files(Path.of("args"))) {
            for (String line : Files.readAllLines(list)) {
                String[] option = line.split(" ");
                if (option[0].matches("--include-(function|constant)")) {
                    count++;
                    if (methods(option[1]).isEmpty()) {
                        missing.add(list.getFileName() + ": " + option[1]);
                    }
                }
            }
        }
        assertThat(missing).isEmpty();
        assertThat(count).isEqualTo(177 + 642);
    }

    @Test
    void layoutsAndConstantsAgreeWithTheHeaders() throws Exception {
        List<String> wrong = new ArrayList<>();
        List<String> facts = Files.readAllLines(Path.of("abi-facts.txt"));
        assertThat(facts).hasSize(714);
        for (String fact : facts) {
            String found = found(fact.split(" "));
            if (!found.equals(fact)) {
                wrong.add("expected " + fact + ", found " + found);
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** The fact as the bindings have it: {@code type size n}, {@code type.member offset size} or {@code constant value}. */
    private static String found(String[] fact) throws ReflectiveOperationException {
        if (fact[1].equals("size")) {
            return fact[0] + " size " + layout(fact[0]).byteSize();
        }
        int dot = fact[0].indexOf('.');
        if (dot > 0) {
            GroupLayout layout = layout(fact[0].substring(0, dot));
            PathElement member = PathElement.groupElement(fact[0].substring(dot + 1));
            MemoryLayout part = layout.select(member);
            return fact[0] + " " + layout.byteOffset(member) + " " + part.byteSize();
        }
        List<java.lang.reflect.Method> accessors = methods(fact[0]);
        return accessors.isEmpty()
                ? "nothing"
                : fact[0] + " " + ((Number) accessors.getFirst().invoke(null)).longValue();
    }

    private static GroupLayout layout(String type) throws ReflectiveOperationException {
        for (String header : HEADERS) {
            String name = PACKAGE + header.substring(0, header.indexOf('.') + 1) + type;
            try {
                return (GroupLayout) Class.forName(name).getMethod("layout").invoke(null);
            } catch (ClassNotFoundException _) {
                // Types lie in the package of the library that lists them.
            }
        }
        throw new ClassNotFoundException(type);
    }

    private static List<java.lang.reflect.Method> methods(String name) throws ClassNotFoundException {
        List<java.lang.reflect.Method> methods = new ArrayList<>();
        for (String header : HEADERS) {
            for (java.lang.reflect.Method method :
                    Class.forName(PACKAGE + header).getMethods()) {
                if (method.getName().equals(name)) {
                    methods.add(method);
                }
            }
        }
        return methods;
    }

    private static List<Path> files(Path... folders) throws IOException {
        List<Path> files = new ArrayList<>();
        for (Path folder : folders) {
            try (Stream<Path> found = Files.walk(folder)) {
                found.filter(Files::isRegularFile).sorted().forEach(files::add);
            }
        }
        return files;
    }
}
