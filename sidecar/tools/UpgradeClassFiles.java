import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Rewrites classes of a format older than Java 6 (major version below 50, JVMS 4.1) to that of Java 8, with stack maps (JVMS 4.7.4),
 * and nothing else in them, so that the JVM's AOT cache can hold them: it leaves out classes that the old verifier would have to
 * check. Of the sidecar's libraries that is picocli, most of the time of its start (docs/decisions/0132). A jar so changed says it in
 * {@code META-INF/CHANGES.txt}; one that has no such classes, or was changed before, stays as it is.
 *
 * <p>{@code java UpgradeClassFiles.java FOLDER PREFIX...}: the jars in FOLDER whose names begin with one of the PREFIXes, each
 * of which has to be there.
 */
public final class UpgradeClassFiles {
    private static final String NOTICE = "META-INF/CHANGES.txt";
    private static final String SAYS =
            " class files were rewritten from a format older than Java 6 to that of Java 8, with stack maps.\n";

    private UpgradeClassFiles() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 2) {
            System.err.println("Usage: java UpgradeClassFiles.java FOLDER PREFIX...");
            System.exit(2);
        }
        Path folder = Path.of(arguments[0]);
        for (String prefix : List.of(arguments).subList(1, arguments.length)) {
            List<Path> jars = new ArrayList<>();
            try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, prefix + "*.jar")) {
                found.forEach(jars::add);
            }
            if (jars.isEmpty()) {
                System.err.println("No " + prefix + "*.jar in " + folder);
                System.exit(1);
            }
            for (Path jar : jars) {
                System.out.println(jar.getFileName() + ": " + upgrade(jar) + " classes upgraded");
            }
        }
    }

    /** The number of classes rewritten; the jar is replaced in one step, and only where there were any. */
    private static int upgrade(Path jar) throws IOException {
        Path copy = jar.resolveSibling(jar.getFileName() + ".upgrading");
        int upgraded = 0;
        try (URLClassLoader classes = new URLClassLoader(new URL[] {jar.toUri().toURL()});
                ZipFile old = new ZipFile(jar.toFile());
                ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(copy))) {
            // Stack maps name the common superclass of two types, which may be a class of the jar.
            ClassFile format = ClassFile.of(
                    ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                    ClassFile.ClassHierarchyResolverOption.of(
                            ClassHierarchyResolver.ofResourceParsing(classes).orElse(ClassHierarchyResolver.defaultResolver())));
            for (ZipEntry entry : (Iterable<ZipEntry>) old.stream().map(ZipEntry.class::cast)::iterator) {
                byte[] bytes;
                try (InputStream in = old.getInputStream(entry)) {
                    bytes = in.readAllBytes();
                }
                if (entry.getName().endsWith(".class") && format.parse(bytes).majorVersion() < ClassFile.JAVA_6_VERSION) {
                    bytes = format.transformClass(format.parse(bytes), ClassTransform.ofStateful(Upgrade::new));
                    upgraded++;
                }
                write(out, entry.getName(), entry.getTimeLocal(), bytes);
            }
            if (upgraded > 0) {
                write(out, NOTICE, LocalDateTime.of(2000, 1, 1, 0, 0), (upgraded + SAYS).getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException | IllegalArgumentException e) {
            Files.deleteIfExists(copy);
            throw new IOException(jar + " cannot be rewritten: " + e.getMessage(), e);
        }
        if (upgraded > 0) {
            // The cache knows a jar by its time in whole seconds. The layers of an image keep none smaller and round to the next,
            // so that half a second more would be another jar.
            Files.setLastModifiedTime(copy, FileTime.from(Instant.now().truncatedTo(ChronoUnit.SECONDS)));
            Files.move(copy, jar, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } else {
            Files.delete(copy);
        }
        return upgraded;
    }

    // The time is the old one, so that the same jar gives the same bytes whenever it is done.
    private static void write(ZipOutputStream out, String name, LocalDateTime time, byte[] bytes) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(time);
        out.putNextEntry(entry);
        out.write(bytes);
        out.closeEntry();
    }

    /** Every element as it was, code written anew so that its stack maps are made, and the version. */
    private static final class Upgrade implements ClassTransform {
        private static final MethodTransform CODE = MethodTransform.transformingCode(CodeTransform.ACCEPT_ALL);

        @Override
        public void accept(ClassBuilder builder, ClassElement element) {
            switch (element) {
                case ClassFileVersion _ -> {}
                case MethodModel method -> builder.transformMethod(method, CODE);
                default -> builder.with(element);
            }
        }

        @Override
        public void atEnd(ClassBuilder builder) {
            builder.withVersion(ClassFile.JAVA_8_VERSION, 0);
        }
    }
}
