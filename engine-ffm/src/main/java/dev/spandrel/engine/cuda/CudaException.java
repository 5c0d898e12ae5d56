package dev.spandrel.engine.cuda;

/** A native call that did not succeed: which one, its number, CUDA's name for it and CUDA's text. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final int OUT_OF_MEMORY = 2;
    /** From here on the driver's numbers tell of a device that lost its context: 700 (illegal address) to 721. */
    private static final int FIRST_STICKY = 700;

    private static final int LAST_STICKY = 721;

    private final String call;
    private final int number;
    private final String name;

    /** @param text what CUDA says of it, a compiler's log included; may be empty */
    public CudaException(String call, int number, String name, String text) {
        super(call + " failed: " + name + " (" + number + ")" + (text.isBlank() ? "" : ", " + text.strip()));
        this.call = call;
        this.number = number;
        this.name = name;
    }

    /** The C function that failed. */
    public String call() {
        return call;
    }

    /** Its status. */
    public int number() {
        return number;
    }

    /** CUDA's name of the status, e.g. {@code CUDA_ERROR_OUT_OF_MEMORY}. */
    public String name() {
        return name;
    }

    /** Whether the device had no room. */
    public boolean isOutOfMemory() {
        return number == OUT_OF_MEMORY && name.startsWith("CUDA_");
    }

    /** Whether the context is lost: every later call fails alike, and only a new process helps. */
    public boolean isSticky() {
        return name.startsWith("CUDA_")
                && (number >= FIRST_STICKY && number <= LAST_STICKY
                        || name.equals("CUDA_ERROR_ECC_UNCORRECTABLE")
                        || name.equals("CUDA_ERROR_UNKNOWN"));
    }
}
