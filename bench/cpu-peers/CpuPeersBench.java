import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Our side of bench/cpu-peers: the whole engine, scheduler and sampler included, on random weights of a shape.
 *
 * <p>Arguments: FOLDER SHAPE TYPE THREADS, as peer.py's run; TYPE is f32, bf16, f16, int8, int4 or a type
 * of GGUF, whose file FOLDER/SHAPE-TYPE.gguf peer.py has made; with -a8 behind it activations are rounded to int8. Measures what each line of standard
 * input says: decode-SEQUENCES, decode-SEQUENCES-PROMPT-STEPS or prefill-TOKENS. Options of the
 * engine are system properties: -Damx=false, -DmachineCode=false, -Dkv=float16; the last is what the peer keeps by default.
 */
public final class CpuPeersBench {
    private CpuPeersBench() {}

    public static void main(String[] args) throws Exception {
        boolean rounded = args[2].endsWith("-a8");
        String type = rounded ? args[2].substring(0, args[2].length() - 3) : args[2];
        boolean gguf = type.startsWith("q");
        Path tokenizer = Path.of(System.getProperty("tokenizer"));
        Path model = Path.of(args[0]).resolve(gguf ? args[1] + "-" + type + ".gguf" : "shape-" + args[1]);
        if (!gguf) {
            RandomLlama.write(model, RandomLlama.Shape.of(args[1]), tokenizer);
        }
        EngineConfig.Builder config = EngineConfig.of(model.toString())
                .threads(Integer.parseInt(args[3]))
                .maxModelLen(8192)
                .prefixCaching(false)
                .longPrefillTokenThreshold(0)
                .kvCacheBytes(1L << 30)
                .kvCacheDType(System.getProperty("kv", "auto"))
                .amx(!"false".equals(System.getProperty("amx")))
                .machineCode(!"false".equals(System.getProperty("machineCode")));
        switch (type) {
            case "f32" -> config.dtype("float32");
            case "bf16" -> config.dtype("bfloat16");
            case "f16" -> config.dtype("float16");
            case "int8", "int4" -> config.quantization(type);
            default -> config.tokenizer(tokenizer.toString());
        }
        if (rounded) {
            config.activationDType("int8");
        }
        if (Boolean.getBoolean("verbs")) {
            config.stepListener(new Verbs());
        }
        try (Engine engine = Engine.open(config.build())) {
            System.err.println(engine.model().backend());
            BufferedReader asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String work = asked.readLine(); work != null; work = asked.readLine()) {
                System.out.printf("ours %s %s %s %.1f%n", args[1], args[2], work, measure(engine, work.split("-")));
                System.out.flush();
            }
        }
    }

    private static double measure(Engine engine, String[] work) throws Exception {
        int count = Integer.parseInt(work[1]);
        if (work[0].equals("prefill")) {
            return prefill(engine, count);
        }
        int prompt = work.length > 2 ? Integer.parseInt(work[2]) : count == 1 ? 16 : 64;
        int steps = work.length > 3 ? Integer.parseInt(work[3]) : count == 1 ? 48 : 24;
        return decode(engine, count, prompt, steps);
    }

    private static double prefill(Engine engine, int tokens) throws Exception {
        try (Generation generation = engine.submit(request(tokens, 1, 0))) {
            await(generation);
            RequestTimings timings = generation.timings();
            return tokens * 1e9 / (timings.firstTokenNanos() - timings.arrivalNanos());
        }
    }

    /** Tokens per second from the moment the last sequence has its first token. */
    private static double decode(Engine engine, int sequences, int prompt, int steps) throws Exception {
        List<Generation> all = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            all.add(engine.submit(request(prompt, steps + 8, s)));
        }
        long begin = Long.MIN_VALUE;
        long end = Long.MAX_VALUE;
        for (Generation each : all) {
            await(each);
            begin = Math.max(begin, each.timings().firstTokenNanos());
            end = Math.min(end, each.timings().lastTokenNanos());
            each.close();
        }
        // Those that began sooner end sooner; between the two stamps all of them ran.
        double tokens = 0;
        for (Generation each : all) {
            RequestTimings timings = each.timings();
            double perToken = (timings.lastTokenNanos() - timings.firstTokenNanos()) / (steps + 7.0);
            tokens += (end - begin) / perToken;
        }
        return tokens * 1e9 / (end - begin);
    }

    private static void await(Generation generation) throws Exception {
        while (!(generation.next() instanceof GenerationEvent.Finished)) {
            // Only the stamps are wanted.
        }
    }

    private static GenerationRequest request(int prompt, int output, int shift) {
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < prompt; i++) {
            tokens.add(7 + (i + shift) % 1000);
        }
        SamplingParams sampling = SamplingParams.DEFAULT.withTemperature(0).withMaxTokens(output).withIgnoreEos(true);
        return new GenerationRequest("bench", new Prompt.Tokens(tokens), sampling, System.nanoTime());
    }
}
