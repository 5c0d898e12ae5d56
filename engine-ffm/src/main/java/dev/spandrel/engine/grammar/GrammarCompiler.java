package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.grammar.Grammar.Kind;
import dev.spandrel.engine.grammar.Grammar.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns expressions into the nodes of a {@link Grammar} (Thompson's construction), and refuses what is too large or could
 * never end. Repetitions without a limit are loops of nodes; those with counts become {@link Kind#LOOP}s, so that
 * {@code {1000}} costs one node and not a thousand copies.
 */
final class GrammarCompiler {
    /** A schema of a hundred kilobytes has some ten thousand. */
    static final int MAX_NODES = 200_000;

    private final String parameter;
    private final Map<String, Expression> rules;
    private final Map<String, Integer> starts = new HashMap<>();
    private final Deque<String> missing = new ArrayDeque<>();
    private final List<Node> nodes = new ArrayList<>();

    private GrammarCompiler(String parameter, Map<String, Expression> rules) {
        this.parameter = parameter;
        this.rules = rules;
    }

    /**
     * Compiles the rules that one of them needs.
     *
     * @param parameter the request's field, for messages
     * @throws EngineException.InvalidRequest when they are too large, or have no finite text
     */
    static Grammar compile(String parameter, Map<String, Expression> rules, String first) {
        GrammarCompiler compiler = new GrammarCompiler(parameter, rules);
        int start = compiler.start(first);
        while (!compiler.missing.isEmpty()) {
            compiler.define(compiler.missing.poll());
        }
        Node[] nodes = compiler.nodes.toArray(Node[]::new);
        int[] need = ShortestText.need(nodes);
        if (need[start] >= Grammar.ENDLESS) {
            throw new EngineException.InvalidRequest(
                    parameter, "no finite text fits: it contains itself without an end");
        }
        compiler.refuseLeftRecursion(nodes, need);
        return new Grammar(parameter, nodes, start, need);
    }

    private int add(Kind kind, int from, int to, int rule, int next, int... targets) {
        if (nodes.size() == MAX_NODES) {
            throw new EngineException.InvalidRequest(
                    parameter, "too large: it needs an automaton of more than " + MAX_NODES + " nodes");
        }
        nodes.add(new Node(kind, from, to, rule, next, targets));
        return nodes.size() - 1;
    }

    /** The start node of a rule: a split whose target is filled in when the rule is defined. */
    private int start(String rule) {
        return starts.computeIfAbsent(rule, name -> {
            missing.add(name);
            return add(Kind.SPLIT, 0, 0, 0, 0, new int[1]);
        });
    }

    private void define(String rule) {
        int body = compile(rules.get(rule), add(Kind.END, 0, 0, 0, 0));
        nodes.get(starts.get(rule)).targets()[0] = body;
    }

    /** Nodes for an expression that go on at {@code next}; returns the first. */
    private int compile(Expression expression, int next) {
        return switch (expression) {
            case Expression.Bytes(int from, int to) -> add(Kind.BYTES, from, to, 0, next);
            case Expression.Sequence(List<Expression> parts) -> {
                int first = next;
                for (int i = parts.size() - 1; i >= 0; i--) {
                    first = compile(parts.get(i), first);
                }
                yield first;
            }
            case Expression.Choice(List<Expression> alternatives) ->
                add(
                        Kind.SPLIT,
                        0,
                        0,
                        0,
                        0,
                        alternatives.stream()
                                .mapToInt(alternative -> compile(alternative, next))
                                .toArray());
            case Expression.Repeat repeat -> repeat(repeat, next);
            case Expression.Reference(String rule) -> add(Kind.CALL, 0, 0, start(rule), next);
        };
    }

    private int repeat(Expression.Repeat repeat, int next) {
        if (repeat.most() == 0) {
            return next;
        }
        if (repeat.most() == 1) {
            int body = compile(repeat.body(), next);
            return repeat.least() == 1 ? body : add(Kind.SPLIT, 0, 0, 0, 0, body, next);
        }
        if (repeat.most() == Expression.Repeat.UNBOUNDED && repeat.least() <= 1) {
            int loop = add(Kind.SPLIT, 0, 0, 0, 0, 0, next);
            int body = compile(repeat.body(), loop);
            nodes.get(loop).targets()[0] = body;
            return repeat.least() == 1 ? body : loop;
        }
        int body = compile(repeat.body(), add(Kind.END, 0, 0, 0, 0));
        return add(Kind.LOOP, repeat.least(), repeat.most(), body, next);
    }

    /** A rule that calls itself before anything was written would be called for ever. */
    private void refuseLeftRecursion(Node[] all, int[] need) {
        BitSet done = new BitSet();
        for (int start : starts.values()) {
            refuseLeftRecursion(all, need, start, done, new BitSet());
        }
    }

    private void refuseLeftRecursion(Node[] all, int[] need, int rule, BitSet done, BitSet calling) {
        if (done.get(rule)) {
            return;
        }
        if (calling.get(rule)) {
            throw new EngineException.InvalidRequest(
                    parameter, "a definition begins with itself, so it would never begin");
        }
        calling.set(rule);
        Deque<Integer> open = new ArrayDeque<>(List.of(rule));
        BitSet seen = new BitSet();
        while (!open.isEmpty()) {
            int index = open.pop();
            if (seen.get(index)) {
                continue;
            }
            seen.set(index);
            Node node = all[index];
            switch (node.kind()) {
                case SPLIT -> Arrays.stream(node.targets()).forEach(open::push);
                case CALL, LOOP -> {
                    refuseLeftRecursion(all, need, node.rule(), done, calling);
                    if (need[node.rule()] == 0 || node.kind() == Kind.LOOP && node.from() == 0) {
                        open.push(node.next());
                    }
                }
                case BYTES, END -> {}
            }
        }
        calling.clear(rule);
        done.set(rule);
    }
}
