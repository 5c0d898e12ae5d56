package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The tool that launcher and image run before they make the AOT cache, on the jar they run it on. */
class UpgradeClassFilesTest {
    @TempDir
    Path folder;

    @Test
    void picocliIsOfAFormatTheCacheHoldsAndWorksAsBefore() throws Exception {
        Path jar = copyOfPicocli();
        long old = Files.size(jar);
        assertThat(run("picocli").text())
                .contains("picocli-", "classes upgraded")
                .doesNotContain(": 0 ");
        assertThat(Files.size(jar)).isNotEqualTo(old);
        // An image's layers round times to whole seconds, and the JVM refuses a cache whose jar has another.
        assertThat(Files.getLastModifiedTime(jar).to(TimeUnit.NANOSECONDS) % 1_000_000_000)
                .isZero();
        try (JarFile read = new JarFile(jar.toFile())) {
            List<Integer> versions = read.stream()
                    .filter(e -> e.getName().endsWith(".class"))
                    .map(e -> {
                        try (DataInputStream in = new DataInputStream(read.getInputStream(e))) {
                            in.readInt();
                            return in.readInt() & 0xFFFF;
                        } catch (java.io.IOException x) {
                            throw new java.io.UncheckedIOException(x);
                        }
                    })
                    .toList();
            assertThat(versions).hasSizeGreaterThan(200).allMatch(v -> v >= 50);
            assertThat(read.getEntry("META-INF/CHANGES.txt")).isNotNull();
            assertThat(read.getManifest().getMainAttributes().getValue("Implementation-Title"))
                    .isNotEmpty();
        }
        // Loaded and initialized one by one, so that the verifier has looked at every stack map.
        try (URLClassLoader loader =
                        new URLClassLoader(new URL[] {jar.toUri().toURL()}, ClassLoader.getPlatformClassLoader());
                JarFile read = new JarFile(jar.toFile())) {
            for (String name : read.stream()
                    .map(e -> e.getName())
                    .filter(n -> n.startsWith("picocli/") && n.endsWith(".class") && !n.contains("groovy"))
                    .map(n -> n.substring(0, n.length() - 6).replace('/', '.'))
                    .toList()) {
                assertThat(Class.forName(name, true, loader).getClassLoader()).isSameAs(loader);
            }
        }
    }

    @Test
    void aSecondTimeChangesNothing() throws Exception {
        Path jar = copyOfPicocli();
        run("picocli");
        byte[] once = Files.readAllBytes(jar);
        assertThat(run("picocli").text()).contains(": 0 classes upgraded");
        assertThat(Files.readAllBytes(jar)).isEqualTo(once);
        try (var left = Files.list(folder)) {
            assertThat(left).containsExactly(jar);
        }
    }

    @Test
    void aJarThatIsNotThereIsNamed() throws Exception {
        copyOfPicocli();
        Run run = run("picocli", "snakeyaml");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.text()).contains("No snakeyaml*.jar in " + folder);
    }

    private Path copyOfPicocli() throws Exception {
        Path jar = Path.of(CommandLine.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        return Files.copy(jar, folder.resolve(jar.getFileName()));
    }

    private record Run(int code, String text) {}

    private Run run(String... prefixes) throws Exception {
        List<String> command = new java.util.ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                Path.of("tools/UpgradeClassFiles.java").toAbsolutePath().toString(),
                folder.toString()));
        command.addAll(List.of(prefixes));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        return new Run(process.exitValue(), text);
    }
}
