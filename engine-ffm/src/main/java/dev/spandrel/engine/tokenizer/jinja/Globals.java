package dev.spandrel.engine.tokenizer.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Functions every chat template finds: Jinja's own, and those of transformers. */
final class Globals {
    private Globals() {}

    /** @param now what {@code strftime_now} writes */
    static Map<String, Object> functions(Supplier<LocalDateTime> now) {
        Map<String, Object> functions = new HashMap<>();
        put(functions, "range", Globals::range);
        put(functions, "dict", a -> new LinkedHashMap<>(a.named()));
        put(functions, "namespace", Globals::namespace);
        put(functions, "raise_exception", a -> {
            throw TemplateException.raised(Text.of(a.get(0, "message", ""), a.budget()));
        });
        put(functions, "strftime_now", a -> Strftime.format(a.string(0, "format"), now.get()));
        return functions;
    }

    private static void put(Map<String, Object> functions, String name, Function function) {
        functions.put(name, function);
    }

    private static Object namespace(Function.Arguments arguments) {
        Map<String, Object> members = new HashMap<>();
        if (arguments.get(0, "", null) instanceof Map<?, ?> map) {
            map.forEach((key, value) -> members.put(Values.string(key), value));
        }
        members.putAll(arguments.named());
        return new Namespace(members);
    }

    private static List<Object> range(Function.Arguments arguments) {
        boolean onlyStop = arguments.positional().size() == 1;
        long start = onlyStop ? 0 : arguments.integer(0, "start", 0);
        long stop = arguments.integer(onlyStop ? 0 : 1, "stop", 0);
        long step = arguments.integer(2, "step", 1);
        if (step == 0) {
            throw new TemplateException("expected a range step other than 0");
        }
        List<Object> numbers = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            // Jinja's sandbox allows 100,000.
            if (numbers.size() == 100_000) {
                throw new TemplateException("expected a range of at most 100000 numbers, found more");
            }
            numbers.add(i);
        }
        return numbers;
    }
}
