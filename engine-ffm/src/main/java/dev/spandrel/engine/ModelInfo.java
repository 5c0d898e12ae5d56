package dev.spandrel.engine;

import java.nio.file.Path;

/**
 * What an engine has loaded.
 *
 * @param name last part of the model's path, the default served name
 * @param root folder the weights came from
 * @param architecture class name as in {@code config.json}, e.g. {@code OPTForCausalLM}
 * @param parameters number of weights
 * @param vocabSize number of token ids the model scores
 * @param maxModelLen longest prompt plus output in tokens
 * @param backend one line: which backend, with what, and why not another
 * @param chatTemplate whether the model ships one
 * @param defaultSampling sampling values of {@code generation_config.json} over the engine's own defaults
 */
public record ModelInfo(
        String name,
        Path root,
        String architecture,
        long parameters,
        int vocabSize,
        int maxModelLen,
        String backend,
        boolean chatTemplate,
        SamplingParams defaultSampling) {}
