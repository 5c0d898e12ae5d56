package dev.spandrel.engine;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * How to load and run a model. Names follow vLLM's flags; zero means "choose for me" where a field says so.
 *
 * @param model a folder in Hugging Face layout ({@code config.json}, weights, tokenizer files), a GGUF file, the name of
 *     either under {@code models}, or a model's id on the Hub
 * @param models where model names are looked up; may be missing
 * @param loadFormat which files weights are read from: {@code auto}, {@code safetensors}, {@code pt}, {@code gguf}, or {@code
 *     dummy} for random ones of the right shapes
 * @param revision branch, tag or commit of a model on the Hub; empty = main
 * @param downloadDir cache of models from the Hub, or null for Hugging Face's own place
 * @param tokenizer where the tokenizer and its chat template come from, named as {@code model} is; empty = the model's own
 * @param chatTemplate a Jinja template (its text) in place of the one beside the tokenizer; empty = that one
 * @param chatTemplateContentFormat how the template sees contents that come in parts: as one text ({@code string}), as a list of
 *     them ({@code openai}), or {@code auto}, as it looks at them
 * @param generationConfig {@code auto} (the model's {@code generation_config.json}), {@code vllm} (none), or the folder of another
 * @param backend {@code auto} (CUDA where a device answers, else the CPU), {@code cuda}, {@code cpu} (Vector API) or {@code
 *     reference} (plain loops, the truth in tests)
 * @param cudaLibraryPath folders to look for CUDA's libraries in first, separated as in {@code PATH}; empty = the usual places
 * @param gpuMemoryUtilization share of the device's memory that this process may use, above 0 up to 1
 * @param dtype what weights are kept as: {@code auto} (as stored), {@code float32}, {@code bfloat16} or {@code float16}
 * @param quantization what matrices are quantized to on load: {@code none}, {@code int8} (a scale per row) or {@code int4}
 *     (a scale per 32 weights)
 * @param activationDType what inputs of matmuls are rounded to where they meet weights in bytes or fewer bits: {@code auto} (16-bit
 *     integers on the CPU, which changes nothing to speak of) or {@code int8} (a scale per 32 inputs; only on the CPU)
 * @param machineCode whether the CPU backend may use instructions that the Vector API does not offer
 * @param amx whether it may use AMX tiles
 * @param maxModelLen longest prompt plus output in tokens; 0 = the model's own limit
 * @param maxNumSeqs most sequences in one step
 * @param maxNumBatchedTokens token budget of one step
 * @param longPrefillTokenThreshold most prompt tokens of one request in a step, once eight times as many are computed, so
 *     that a long prompt does not hold up those that arrive meanwhile; 0 = no limit but the budget
 * @param schedulingPolicy {@code fcfs} (first come, first served) or {@code priority} (smaller is sooner)
 * @param priorityAgingMillis wait that is worth one step of priority; 0 = low priorities may wait for ever
 * @param prefixCaching whether requests that begin alike share the keys and values of the beginning
 * @param asyncScheduling whether a device gets the next step before the tokens of the last are read
 * @param speculation drafts by prompt lookup, or {@link NgramSpeculation#OFF}
 * @param blockSize tokens per KV block
 * @param kvCacheDType what keys and values are stored as: {@code auto} (float32; on CUDA as 16-bit weights), {@code float32},
 *     {@code float16}, {@code bfloat16} or {@code int8}
 * @param kvCacheBytes memory of the KV cache; 0 = on CUDA what {@code gpuMemoryUtilization} leaves, else twice the weights, between 128 MiB and 1 GiB, at most a quarter of the
 *     machine's memory
 * @param maxWaiting most requests waiting for admission; one more is {@link EngineException.Rejected}
 * @param threads CPU worker threads; 0 = the physical cores among the processors this process may use
 * @param seed seed of requests that bring none; drawn per request from this
 * @param nanoClock the monotonic clock of every stamp, {@code System::nanoTime} outside tests
 * @param stepListener told after every step, on the engine thread; must not block
 */
public record EngineConfig(
        String model,
        Path models,
        String loadFormat,
        String revision,
        Path downloadDir,
        String tokenizer,
        String chatTemplate,
        String chatTemplateContentFormat,
        String generationConfig,
        String backend,
        String cudaLibraryPath,
        double gpuMemoryUtilization,
        String dtype,
        String quantization,
        String activationDType,
        boolean machineCode,
        boolean amx,
        int maxModelLen,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int longPrefillTokenThreshold,
        String schedulingPolicy,
        long priorityAgingMillis,
        boolean prefixCaching,
        boolean asyncScheduling,
        NgramSpeculation speculation,
        int blockSize,
        String kvCacheDType,
        long kvCacheBytes,
        int maxWaiting,
        int threads,
        long seed,
        LongSupplier nanoClock,
        StepListener stepListener) {

    /** On two cores a model of 135M parameters prefills this much in about 0.1 s; see docs/decisions/0004. */
    public static final int DEFAULT_LONG_PREFILL_TOKEN_THRESHOLD = 64;
    /** As vLLM has it. */
    public static final double DEFAULT_GPU_MEMORY_UTILIZATION = 0.9;

    public EngineConfig {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(models, "models");
        Objects.requireNonNull(backend, "backend");
        Objects.requireNonNull(revision, "revision");
        Objects.requireNonNull(tokenizer, "tokenizer");
        Objects.requireNonNull(chatTemplate, "chatTemplate");
        oneOf("chat-template-content-format", chatTemplateContentFormat, List.of("auto", "string", "openai"));
        Objects.requireNonNull(generationConfig, "generationConfig");
        Objects.requireNonNull(cudaLibraryPath, "cudaLibraryPath");
        if (!(gpuMemoryUtilization > 0 && gpuMemoryUtilization <= 1)) {
            throw new IllegalArgumentException(
                    "--gpu-memory-utilization must be above 0 and at most 1, found " + gpuMemoryUtilization);
        }
        Objects.requireNonNull(speculation, "speculation");
        oneOf("load-format", loadFormat, List.of("auto", "safetensors", "pt", "gguf", "dummy"));
        Objects.requireNonNull(nanoClock, "nanoClock");
        Objects.requireNonNull(stepListener, "stepListener");
        oneOf("dtype", dtype, List.of("auto", "float32", "bfloat16", "float16"));
        oneOf("quantization", quantization, List.of("none", "int8", "int4"));
        oneOf("activation-dtype", activationDType, List.of("auto", "int8"));
        atLeast("max-model-len", maxModelLen, 0);
        atLeast("max-num-seqs", maxNumSeqs, 1);
        atLeast("max-num-batched-tokens", maxNumBatchedTokens, 1);
        atLeast("long-prefill-token-threshold", longPrefillTokenThreshold, 0);
        oneOf("scheduling-policy", schedulingPolicy, List.of("fcfs", "priority"));
        oneOf("kv-cache-dtype", kvCacheDType, List.of("auto", "float32", "float16", "bfloat16", "int8"));
        atLeast("priority-aging-ms", priorityAgingMillis, 0);
        atLeast("block-size", blockSize, 1);
        atLeast("kv-cache-memory-bytes", kvCacheBytes, 0);
        atLeast("max-waiting", maxWaiting, 1);
        atLeast("threads", threads, 0);
        int processors = Runtime.getRuntime().availableProcessors();
        if (threads > processors) {
            throw new IllegalArgumentException("--threads must be at most " + processors
                    + ", the processors this process may use (a pod's limit), found " + threads);
        }
    }

    private static void atLeast(String name, long found, long least) {
        if (found < least) {
            throw new IllegalArgumentException("--" + name + " must be at least " + least + ", found " + found);
        }
    }

    private static void oneOf(String name, String found, List<String> expected) {
        if (!expected.contains(found)) {
            throw new IllegalArgumentException(
                    "--" + name + ": expected one of " + String.join(", ", expected) + ", found " + found);
        }
    }

    /** The same with another listener. */
    public EngineConfig withStepListener(StepListener listener) {
        return new EngineConfig(
                model,
                models,
                loadFormat,
                revision,
                downloadDir,
                tokenizer,
                chatTemplate,
                chatTemplateContentFormat,
                generationConfig,
                backend,
                cudaLibraryPath,
                gpuMemoryUtilization,
                dtype,
                quantization,
                activationDType,
                machineCode,
                amx,
                maxModelLen,
                maxNumSeqs,
                maxNumBatchedTokens,
                longPrefillTokenThreshold,
                schedulingPolicy,
                priorityAgingMillis,
                prefixCaching,
                asyncScheduling,
                speculation,
                blockSize,
                kvCacheDType,
                kvCacheBytes,
                maxWaiting,
                threads,
                seed,
                nanoClock,
                listener);
    }

    /** Defaults for a model, given by folder or name. */
    public static Builder of(String model) {
        return new Builder(model);
    }

    /** Collects settings; each setter is named after its field. */
    public static final class Builder {
        private final String model;
        private Path models = Path.of("models");
        private String loadFormat = "auto";
        private String revision = "";
        private Path downloadDir;
        private String tokenizer = "";
        private String chatTemplate = "";
        private String chatTemplateContentFormat = "auto";
        private String generationConfig = "auto";
        private String backend = "auto";
        private String cudaLibraryPath = "";
        private double gpuMemoryUtilization = DEFAULT_GPU_MEMORY_UTILIZATION;
        private String dtype = "auto";
        private String quantization = "none";
        private String activationDType = "auto";
        private boolean machineCode = true;
        private boolean amx = true;
        private int maxModelLen;
        private int maxNumSeqs = 128;
        private int maxNumBatchedTokens = 2048;
        private int longPrefillTokenThreshold = DEFAULT_LONG_PREFILL_TOKEN_THRESHOLD;
        private String schedulingPolicy = "fcfs";
        private long priorityAgingMillis;
        private boolean prefixCaching = true;
        private boolean asyncScheduling = true;
        private NgramSpeculation speculation = NgramSpeculation.OFF;
        private int blockSize = 16;
        private String kvCacheDType = "auto";
        private long kvCacheBytes;
        private int maxWaiting = 1024;
        private int threads;
        private long seed;
        private LongSupplier nanoClock = System::nanoTime;
        private StepListener stepListener = step -> {};

        private Builder(String model) {
            this.model = model;
        }

        public Builder models(Path value) {
            models = value;
            return this;
        }

        public Builder loadFormat(String value) {
            loadFormat = value;
            return this;
        }

        public Builder revision(String value) {
            revision = value;
            return this;
        }

        public Builder downloadDir(Path value) {
            downloadDir = value;
            return this;
        }

        public Builder tokenizer(String value) {
            tokenizer = value;
            return this;
        }

        public Builder chatTemplate(String value) {
            chatTemplate = value;
            return this;
        }

        public Builder chatTemplateContentFormat(String value) {
            chatTemplateContentFormat = value;
            return this;
        }

        public Builder generationConfig(String value) {
            generationConfig = value;
            return this;
        }

        public Builder backend(String value) {
            backend = value;
            return this;
        }

        public Builder dtype(String value) {
            dtype = value;
            return this;
        }

        public Builder quantization(String value) {
            quantization = value;
            return this;
        }

        public Builder activationDType(String value) {
            activationDType = value;
            return this;
        }

        public Builder machineCode(boolean value) {
            machineCode = value;
            return this;
        }

        public Builder amx(boolean value) {
            amx = value;
            return this;
        }

        public Builder cudaLibraryPath(String value) {
            cudaLibraryPath = value;
            return this;
        }

        public Builder gpuMemoryUtilization(double value) {
            gpuMemoryUtilization = value;
            return this;
        }

        public Builder maxModelLen(int value) {
            maxModelLen = value;
            return this;
        }

        public Builder maxNumSeqs(int value) {
            maxNumSeqs = value;
            return this;
        }

        public Builder maxNumBatchedTokens(int value) {
            maxNumBatchedTokens = value;
            return this;
        }

        public Builder longPrefillTokenThreshold(int value) {
            longPrefillTokenThreshold = value;
            return this;
        }

        public Builder schedulingPolicy(String value) {
            schedulingPolicy = value;
            return this;
        }

        public Builder priorityAgingMillis(long value) {
            priorityAgingMillis = value;
            return this;
        }

        public Builder prefixCaching(boolean value) {
            prefixCaching = value;
            return this;
        }

        public Builder asyncScheduling(boolean value) {
            asyncScheduling = value;
            return this;
        }

        public Builder speculation(NgramSpeculation value) {
            speculation = value;
            return this;
        }

        public Builder blockSize(int value) {
            blockSize = value;
            return this;
        }

        public Builder kvCacheDType(String value) {
            kvCacheDType = value;
            return this;
        }

        public Builder kvCacheBytes(long value) {
            kvCacheBytes = value;
            return this;
        }

        public Builder maxWaiting(int value) {
            maxWaiting = value;
            return this;
        }

        public Builder threads(int value) {
            threads = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder nanoClock(LongSupplier value) {
            nanoClock = value;
            return this;
        }

        public Builder stepListener(StepListener value) {
            stepListener = value;
            return this;
        }

        public EngineConfig build() {
            return new EngineConfig(
                    model,
                    models,
                    loadFormat,
                    revision,
                    downloadDir,
                    tokenizer,
                    chatTemplate,
                    chatTemplateContentFormat,
                    generationConfig,
                    backend,
                    cudaLibraryPath,
                    gpuMemoryUtilization,
                    dtype,
                    quantization,
                    activationDType,
                    machineCode,
                    amx,
                    maxModelLen,
                    maxNumSeqs,
                    maxNumBatchedTokens,
                    longPrefillTokenThreshold,
                    schedulingPolicy,
                    priorityAgingMillis,
                    prefixCaching,
                    asyncScheduling,
                    speculation,
                    blockSize,
                    kvCacheDType,
                    kvCacheBytes,
                    maxWaiting,
                    threads,
                    seed,
                    nanoClock,
                    stepListener);
        }
    }
}
