package dev.spandrel.engine.cuda;

import java.util.List;
import java.util.Map;

/**
 * What NVRTC is given.
 *
 * @param name for messages, e.g. {@code attention.cu}
 * @param text the source
 * @param headers what it includes, by name
 * @param options beside the architecture, e.g. {@code -DWEIGHT_BF16}
 */
public record KernelSource(String name, String text, Map<String, String> headers, List<String> options) {
    public KernelSource {
        headers = Map.copyOf(headers);
        options = List.copyOf(options);
    }
}
