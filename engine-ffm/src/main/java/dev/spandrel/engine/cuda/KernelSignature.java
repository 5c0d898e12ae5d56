package dev.spandrel.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kernel's parameter list, read from its source: {@code extern "C" __global__ void name(…)}.
 *
 * @param parameters in order
 * @param overlaps whether the kernel waits for its predecessor itself ({@code wait_for_predecessor}), so that it may begin
 *     early
 */
public record KernelSignature(String name, List<Kind> parameters, boolean overlaps) {
    /** What kernels take. */
    public enum Kind {
        POINTER,
        INT,
        LONG,
        FLOAT
    }

    private static final Pattern KERNEL = Pattern.compile(
            "extern\\s+\"C\"\\s+__global__\\s+void\\s+(?:KERNEL_BOUNDS\\([^)]*\\)\\s+)?(\\w+)\\s*\\(([^)]*)\\)");

    public KernelSignature {
        parameters = List.copyOf(parameters);
    }

    /** All kernels of a source, by name. */
    public static Map<String, KernelSignature> all(String source) {
        boolean overlaps = source.contains("wait_for_predecessor()");
        Map<String, KernelSignature> found = new TreeMap<>();
        Matcher matcher = KERNEL.matcher(source);
        while (matcher.find()) {
            List<Kind> kinds = new ArrayList<>();
            for (String parameter : matcher.group(2).split(",")) {
                kinds.add(kind(matcher.group(1), parameter.strip()));
            }
            found.put(matcher.group(1), new KernelSignature(matcher.group(1), kinds, overlaps));
        }
        return found;
    }

    private static Kind kind(String kernel, String parameter) {
        if (parameter.contains("*")) {
            return Kind.POINTER;
        }
        if (parameter.startsWith("long long ")) {
            return Kind.LONG;
        }
        if (parameter.startsWith("int ")) {
            return Kind.INT;
        }
        if (parameter.startsWith("float ")) {
            return Kind.FLOAT;
        }
        throw new IllegalArgumentException(
                kernel + ": expected a pointer, int, long long or float, found " + parameter);
    }
}
