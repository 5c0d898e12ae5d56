package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.grammar.Grammar.Kind;
import dev.spandrel.engine.grammar.Grammar.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Follows a grammar byte by byte: the subset construction, done lazily and with stacks. Frames and states are made once and
 * shared by all requests with the grammar; when there are too many they are forgotten, which costs time and nothing else.
 * One thread at a time.
 */
final class GrammarMatcher {
    /** Deeper nesting is closed rather than opened; JSON parsers commonly stop at a thousand levels. */
    static final int MAX_DEPTH = 256;

    /** More ways to read the same text are not followed; what is left are still texts of the grammar. */
    private static final int MAX_PLACES = 256;

    /** Of one byte in one state; the forms of real requests take some hundred. */
    static final int MAX_VISITS = 50_000;

    private static final int MAX_STATES = 4_000;
    private static final int MAX_FRAMES = 50_000;

    private final Grammar grammar;
    private final Map<Key, Frame> frames = new HashMap<>();
    private final Map<StateKey, GrammarState> states = new HashMap<>();
    private final GrammarState start;
    private long visits;

    private record Key(int node, int count, Frame parent) {}

    private record StateKey(List<Frame> places, boolean accepting) {}

    /** The places reached by one byte, while they are collected; without recursion, since rules may call in long chains. */
    private final class Closure {
        private final Set<Key> seen = new HashSet<>();
        private final Deque<Key> open = new ArrayDeque<>();
        private final List<Frame> places = new ArrayList<>();
        private boolean accepting;
        private int visits;

        void enter(int node, Frame parent) {
            open(node, 0, parent);
            while (!open.isEmpty()) {
                if (++visits > MAX_VISITS) {
                    throw new EngineException.InvalidRequest(
                            grammar.parameter(),
                            "The form that is asked for is too complex: after some text more than " + MAX_VISITS
                                    + " ways to go on have to be looked at");
                }
                visit(open.pop());
            }
        }

        private void open(int node, int count, Frame parent) {
            Key key = new Key(node, count, parent);
            if (seen.add(key)) {
                open.push(key);
            }
        }

        private void visit(Key key) {
            Node node = grammar.node(key.node());
            Frame parent = key.parent();
            switch (node.kind()) {
                case BYTES -> places.add(frame(key.node(), 0, parent));
                case SPLIT -> {
                    for (int target : node.targets()) {
                        open(target, 0, parent);
                    }
                }
                // A call with nothing behind it need not return.
                case CALL ->
                    open(
                            node.rule(),
                            0,
                            grammar.node(node.next()).kind() == Kind.END ? parent : frame(node.next(), 0, parent));
                case LOOP -> loop(key, node);
                case END -> {
                    if (parent == null) {
                        accepting = true;
                    } else {
                        open(parent.node(), parent.count(), parent.parent());
                    }
                }
            }
        }

        private void loop(Key key, Node node) {
            int rounds = key.count();
            if (rounds >= node.from()) {
                open(node.next(), 0, key.parent());
            }
            if (rounds < node.to()) {
                boolean endless = node.to() == Expression.Repeat.UNBOUNDED;
                int next = endless ? Math.min(rounds + 1, node.from()) : rounds + 1;
                open(node.rule(), 0, frame(key.node(), next, key.parent()));
            }
        }
    }

    GrammarMatcher(Grammar grammar) {
        this.grammar = grammar;
        Closure closure = new Closure();
        closure.enter(grammar.start(), null);
        start = state(closure);
    }

    /** Nodes visited so far, for tests. */
    long visits() {
        return visits;
    }

    /** Before the first byte. */
    GrammarState start() {
        return start;
    }

    /**
     * Where a byte leads, {@link GrammarState#DEAD} where it cannot stand.
     *
     * @throws EngineException.InvalidRequest when too many nodes would have to be visited to find out
     */
    GrammarState step(GrammarState state, int b, Turn turn) {
        GrammarState known = state.next(b);
        if (known == null) {
            known = follow(state, b);
            turn.spend((long) state.cost(b) * Turn.VISIT);
        }
        return known;
    }

    private GrammarState follow(GrammarState state, int b) {
        Closure closure = new Closure();
        // To look at a place is work as well.
        closure.visits = state.places().size();
        for (Frame place : state.places()) {
            Node node = grammar.node(place.node());
            if (node.from() <= b && b <= node.to()) {
                closure.enter(node.next(), place.parent());
            }
        }
        GrammarState next = closure.places.isEmpty() && !closure.accepting ? GrammarState.DEAD : state(closure);
        state.next(b, next, closure.visits);
        visits += closure.visits;
        return next;
    }

    private GrammarState state(Closure closure) {
        List<Frame> places = closure.places;
        if (places.stream().anyMatch(place -> place.depth() <= MAX_DEPTH)) {
            places.removeIf(place -> place.depth() > MAX_DEPTH);
        }
        places.sort(Comparator.comparingInt(Frame::rest));
        List<Frame> kept = List.copyOf(places.subList(0, Math.min(MAX_PLACES, places.size())));
        if (states.size() >= MAX_STATES) {
            forget();
        }
        return states.computeIfAbsent(
                new StateKey(kept, closure.accepting), key -> new GrammarState(key.places(), key.accepting()));
    }

    private Frame frame(int node, int count, Frame parent) {
        if (frames.size() >= MAX_FRAMES) {
            forget();
        }
        return frames.computeIfAbsent(
                new Key(node, count, parent), key -> new Frame(node, count, parent, rest(node, count, parent)));
    }

    /** Fewest bytes from a place to the end: of its rule, and of all that wait for it. */
    private int rest(int index, int count, Frame parent) {
        Node node = grammar.node(index);
        long own = grammar.need(index);
        if (node.kind() == Kind.LOOP && count > 0) {
            own = (long) Math.max(0, node.from() - count) * grammar.need(node.rule()) + grammar.need(node.next());
        }
        return (int) Math.min(own + (parent == null ? 0 : parent.rest()), Grammar.ENDLESS);
    }

    /** Forgets all frames and states; those in use live on, and new ones are made beside them. */
    private void forget() {
        frames.clear();
        states.clear();
        if (start != null) {
            start.forget();
        }
    }

    /** The byte with which the shortest way to the end goes on; only where something must follow. */
    int shortest(GrammarState state) {
        return grammar.node(state.places().getFirst().node()).from();
    }
}
