package dev.spandrel.engine.checkpoint;

import java.util.Locale;

/** Which files a model's weights are read from. */
public enum LoadFormat {
    /** What is there: safetensors, else PyTorch's, else GGUF. */
    AUTO,
    SAFETENSORS,
    /** Files of torch.save. */
    PT,
    GGUF,
    /** No files: random weights of the shapes that the configuration asks for. */
    DUMMY;

    /** By its name on the command line, as {@link #toString} writes it. */
    public static LoadFormat of(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
