package dev.spandrel.engine.backend;

/** What a layer does to single values; named as the functions of torch.nn.functional. */
public enum Activation {
    /** Nothing. */
    NONE,
    /** max(0, x). */
    RELU,
    /** x × σ(x), also called swish. */
    SILU,
    /** x × Φ(x) by the error function (Hendrycks and Gimpel, 2016). */
    GELU,
    /** The same paper's approximation by tanh: {@code gelu_new}, {@code gelu_pytorch_tanh}. */
    GELU_TANH
}
