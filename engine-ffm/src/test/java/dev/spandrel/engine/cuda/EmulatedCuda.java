package dev.spandrel.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * CUDA on this machine's processor: libraries built from {@code src/test/emulation} by the host's C++ compiler, and what
 * tests say to them and ask of them. Without a compiler tests that need it are skipped, or fail where {@code
 * SPANDREL_REQUIRE_CXX} is set.
 */
@SuppressWarnings("restricted")
public final class EmulatedCuda {
    private static final Path SOURCES = Path.of("src/test/emulation");
    private static final Path FOLDER = Path.of("target/cuda-emulation").toAbsolutePath();
    /** 512 MiB: a test that takes more has a mistake. */
    private static final long MEMORY_BYTES = 512L << 20;
    /** Of a block, as on Hopper. */
    private static final int SHARED_BYTES = 227 << 10;

    private static EmulatedCuda instance;
    private static String refusal;

    private final SymbolLookup symbols;
    private final Linker linker = Linker.nativeLinker();

    private EmulatedCuda(SymbolLookup symbols) {
        this.symbols = symbols;
    }

    /** The emulation, probed and as new; skips the test when there is no compiler. */
    public static synchronized EmulatedCuda open() {
        if (instance == null && refusal == null) {
            try {
                build();
                CudaProbe probe = CudaLibrary.probe(settings());
                if (!(probe instanceof CudaProbe.Present)) {
                    throw new IllegalStateException("the emulation does not answer: " + probe);
                }
                instance = new EmulatedCuda(SymbolLookup.libraryLookup(FOLDER.resolve("libcuda.so.1"), Arena.global()));
            } catch (NoCompiler e) {
                refusal = e.getMessage();
            }
        }
        if (instance == null) {
            if (System.getenv("SPANDREL_REQUIRE_CXX") != null) {
                throw new IllegalStateException(refusal + ", and SPANDREL_REQUIRE_CXX is set");
            }
            abort(refusal);
        }
        instance.recover();
        instance.configure(MEMORY_BYTES, 1, 1, 13_000);
        instance.sharedBytes(SHARED_BYTES);
        return instance;
    }

    /** Builds the libraries, if need be, and prints the folder they are in: {@code bench/gpu/run.sh --rehearse} runs on them. */
    public static void main(String[] args) throws NoCompiler {
        build();
        System.out.println(FOLDER);
    }

    /** Settings that find the emulation and keep its kernels beside it. */
    public static CudaSettings settings() {
        return new CudaSettings(FOLDER.toString(), FOLDER.resolve("kernels-" + headerHash()), Map.of());
    }

    /** The emulation's own header is part of every kernel, and not of what the cache goes by. */
    private static String headerHash() {
        try {
            return Integer.toHexString(Arrays.hashCode(Files.readAllBytes(SOURCES.resolve("device.h"))));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static final class NoCompiler extends Exception {
        private static final long serialVersionUID = 1L;

        NoCompiler(String message) {
            super(message);
        }
    }

    private static void build() throws NoCompiler {
        try {
            Files.createDirectories(FOLDER);
            compile("libcuda.so.1", "driver.cpp", "fibers.cpp", "-ldl");
            compile(
                    "libnvrtc.so.13",
                    "nvrtc.cpp",
                    FOLDER.resolve("libcuda.so.1").toString());
            compile(
                    "libcublasLt.so.13",
                    "cublas_lt.cpp",
                    FOLDER.resolve("libcuda.so.1").toString());
            compile(
                    "libcublas.so.13",
                    "cublas.cpp",
                    FOLDER.resolve("libcuda.so.1").toString());
            Files.copy(SOURCES.resolve("device.h"), FOLDER.resolve("device.h"), StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void compile(String name, String... inputs) throws IOException, NoCompiler {
        Path library = FOLDER.resolve(name);
        Path stamp = FOLDER.resolve(name + ".sources");
        String sources = sourcesHash();
        if (Files.exists(library)
                && Files.exists(stamp)
                && Files.readString(stamp).equals(sources)) {
            return;
        }
        String compiler = System.getenv().getOrDefault("CXX", "g++");
        List<String> command = new ArrayList<>(List.of(
                compiler,
                "-std=c++17",
                "-O2",
                "-Wall",
                "-fPIC",
                "-shared",
                "-Wl,-soname," + name,
                "-Wl,-rpath,$ORIGIN"));
        String headers = System.getenv().getOrDefault("SPANDREL_CUDA_INCLUDE", "");
        if (!headers.isEmpty()) {
            // With NVIDIA's header at hand the compiler checks each prototype.
            command.addAll(List.of("-DHAVE_CUDA_H", "-I", headers));
        }
        // Moved to its place when it is whole: another JVM may be looking.
        Path made = library.resolveSibling(name + "." + ProcessHandle.current().pid());
        command.addAll(List.of("-o", made.toString()));
        for (String input : inputs) {
            command.add(input.endsWith(".cpp") ? SOURCES.resolve(input).toString() : input);
        }
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new IllegalStateException(String.join(" ", command) + "\n" + said);
            }
            Files.move(made, library, StandardCopyOption.ATOMIC_MOVE);
            Files.writeString(stamp, sources);
        } catch (IOException e) {
            throw new NoCompiler("no C++ compiler (" + compiler + "): CUDA is emulated by one; " + e.getMessage());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Of all sources: a time would not tell when a checkout goes back to older ones. */
    private static String sourcesHash() throws IOException {
        int hash = 1;
        try (Stream<Path> files = Files.list(SOURCES)) {
            for (Path file : files.sorted().toList()) {
                hash = 31 * hash + Arrays.hashCode(Files.readAllBytes(file));
            }
        }
        return Integer.toHexString(hash);
    }

    /** The {@code nth} call from now on of that function answers {@code status}. */
    public void fail(String call, int nth, int status) {
        try (Arena arena = Arena.ofConfined()) {
            invoke(
                    "spandrel_emu_fail",
                    FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                    arena.allocateFrom(call),
                    nth,
                    status);
        }
    }

    /** Forgets injections, counts, queued work and a lasting error. */
    public void recover() {
        invoke("spandrel_emu_recover", FunctionDescriptor.ofVoid());
    }

    /**
     * What the device is.
     *
     * @param order seed of the order that streams run in
     */
    public void configure(long bytes, long order, int devices, int driverVersion) {
        invoke(
                "spandrel_emu_configure",
                FunctionDescriptor.ofVoid(
                        ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                bytes,
                order,
                devices,
                driverVersion);
    }

    /** Most shared memory that a block can have. */
    public void sharedBytes(int bytes) {
        invoke("spandrel_emu_shared", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT), bytes);
    }

    /** Whether kernels and graphs do nothing, on memory that begins as zeros: for measuring what the host does meanwhile. */
    public void idle(boolean wanted) {
        invoke("spandrel_emu_idle", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT), wanted ? 1 : 0);
    }

    /** Allocations of device and pinned memory that nobody freed. */
    public long liveAllocations() {
        return (long) invoke("spandrel_emu_live_allocations", FunctionDescriptor.of(ValueLayout.JAVA_LONG));
    }

    /** Contexts, streams, events, modules, graphs, programs and descriptors that nobody released. */
    public long liveHandles() {
        return (long) invoke("spandrel_emu_live_handles", FunctionDescriptor.of(ValueLayout.JAVA_LONG));
    }

    /** Fails where somebody kept what is to be given back. */
    public void assertNothingIsLeft() {
        assertNothingIsLeft("");
    }

    /** @param when ends the message */
    public void assertNothingIsLeft(String when) {
        assertThat(liveAllocations()).as("allocations left" + when).isZero();
        assertThat(liveHandles()).as("handles left" + when).isZero();
    }

    /** How often a function was called since {@link #recover}. */
    public long calls(String call) {
        try (Arena arena = Arena.ofConfined()) {
            return (long) invoke(
                    "spandrel_emu_calls",
                    FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                    arena.allocateFrom(call));
        }
    }

    /** How often a kernel was launched, by itself and not in a graph, since {@link #recover}. */
    public long launches(String kernel) {
        try (Arena arena = Arena.ofConfined()) {
            return (long) invoke(
                    "spandrel_emu_launches",
                    FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                    arena.allocateFrom(kernel));
        }
    }

    /** The functions called since {@link #recover}. */
    public List<String> called() {
        List<String> names = new ArrayList<>();
        while (true) {
            MemorySegment name = (MemorySegment) invoke(
                    "spandrel_emu_called",
                    FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
                    names.size());
            if (name.address() == 0) {
                return names;
            }
            names.add(name.reinterpret(Long.MAX_VALUE).getString(0));
        }
    }

    /** Why the last kernel failed. */
    public String message() {
        MemorySegment text = (MemorySegment) invoke("spandrel_emu_message", FunctionDescriptor.of(ValueLayout.ADDRESS));
        return text.reinterpret(Long.MAX_VALUE).getString(0);
    }

    private Object invoke(String name, FunctionDescriptor descriptor, Object... arguments) {
        MethodHandle handle = linker.downcallHandle(symbols.findOrThrow(name), descriptor);
        try {
            return handle.invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
