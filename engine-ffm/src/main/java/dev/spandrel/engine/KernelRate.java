package dev.spandrel.engine;

/**
 * How fast one of the backend's hot kernels runs here, on one thread, and what is the least that is plausible. A kernel can
 * stay in a slow tier of the JIT without a word, ten to a hundred times slower than it should be; this is how it is noticed.
 *
 * @param kernel name, such as {@code matmul BF16, 6 rows}
 * @param gigaflops billions of multiplications and additions per second of processor time
 * @param floor below this something is wrong
 */
public record KernelRate(String kernel, double gigaflops, double floor) {
    /** Whether the kernel runs as it should. */
    public boolean plausible() {
        return gigaflops >= floor;
    }
}
