package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.nvrtc.nvrtc_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** NVRTC: CUDA C++ to a cubin of one architecture. It needs no device. */
public final class KernelCompiler {
    /**
     * A compilation.
     *
     * @param cubin the machine code
     * @param log what the compiler said; empty without warnings
     */
    public record Compiled(byte[] cubin, String log) {}

    private KernelCompiler() {}

    /** 1000 × major + 10 × minor. */
    public static int version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment major = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment minor = arena.allocate(ValueLayout.JAVA_INT);
            check("nvrtcVersion", nvrtc_h.nvrtcVersion(major, minor), "");
            return 1000 * major.get(ValueLayout.JAVA_INT, 0) + 10 * minor.get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** Compute capabilities it can compile for, e.g. 80 and 90. */
    public static List<Integer> architectures() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            check("nvrtcGetNumSupportedArchs", nvrtc_h.nvrtcGetNumSupportedArchs(count), "");
            int number = count.get(ValueLayout.JAVA_INT, 0);
            MemorySegment all = arena.allocate(ValueLayout.JAVA_INT, number);
            check("nvrtcGetSupportedArchs", nvrtc_h.nvrtcGetSupportedArchs(all), "");
            List<Integer> found = new ArrayList<>();
            for (int i = 0; i < number; i++) {
                found.add(all.getAtIndex(ValueLayout.JAVA_INT, i));
            }
            return found;
        }
    }

    /** Options of a compilation for an architecture such as {@code sm_90}. */
    static List<String> options(KernelSource source, String architecture) {
        List<String> options = new ArrayList<>(source.options());
        options.add("--gpu-architecture=" + architecture);
        options.add("--std=c++17");
        // Sums keep the order and the rounding that the source says, except where it says fmaf itself.
        options.add("--fmad=false");
        return options;
    }

    /** @throws CudaException with the compiler's log */
    public static Compiled compile(KernelSource source, String architecture) {
        try (Arena arena = Arena.ofConfined()) {
            List<String> names = source.headers().keySet().stream().sorted().toList();
            List<String> texts = names.stream().map(source.headers()::get).toList();
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            check(
                    "nvrtcCreateProgram",
                    nvrtc_h.nvrtcCreateProgram(
                            out,
                            arena.allocateFrom(source.text()),
                            arena.allocateFrom(source.name()),
                            names.size(),
                            strings(texts, arena),
                            strings(names, arena)),
                    source.name());
            MemorySegment program = out.get(ValueLayout.ADDRESS, 0);
            try {
                List<String> options = options(source, architecture);
                int status = nvrtc_h.nvrtcCompileProgram(program, options.size(), strings(options, arena));
                String log = log(program, arena);
                check("nvrtcCompileProgram", status, source.name() + ": " + log);
                return new Compiled(cubin(program, arena), log.strip());
            } finally {
                nvrtc_h.nvrtcDestroyProgram(out);
            }
        }
    }

    private static String log(MemorySegment program, Arena arena) {
        MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
        check("nvrtcGetProgramLogSize", nvrtc_h.nvrtcGetProgramLogSize(program, size), "");
        MemorySegment text = arena.allocate(Math.max(1, size.get(ValueLayout.JAVA_LONG, 0)));
        check("nvrtcGetProgramLog", nvrtc_h.nvrtcGetProgramLog(program, text), "");
        return text.getString(0);
    }

    private static byte[] cubin(MemorySegment program, Arena arena) {
        MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
        check("nvrtcGetCUBINSize", nvrtc_h.nvrtcGetCUBINSize(program, size), "");
        MemorySegment bytes = arena.allocate(size.get(ValueLayout.JAVA_LONG, 0));
        check("nvrtcGetCUBIN", nvrtc_h.nvrtcGetCUBIN(program, bytes), "");
        return bytes.toArray(ValueLayout.JAVA_BYTE);
    }

    private static MemorySegment strings(List<String> texts, Arena arena) {
        MemorySegment array = arena.allocate(ValueLayout.ADDRESS, Math.max(1, texts.size()));
        for (int i = 0; i < texts.size(); i++) {
            array.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(texts.get(i)));
        }
        return array;
    }

    @SuppressWarnings("restricted")
    private static void check(String call, int status, String text) {
        if (status != 0) {
            String name = nvrtc_h.nvrtcGetErrorString(status)
                    .reinterpret(Long.MAX_VALUE)
                    .getString(0);
            throw new CudaException(call, status, name, text);
        }
    }
}
