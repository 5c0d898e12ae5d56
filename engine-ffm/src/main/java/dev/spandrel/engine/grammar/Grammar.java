package dev.spandrel.engine.grammar;

/**
 * A language over bytes as a recursive transition network: nodes of an automaton, some of which call other automata (rules).
 * Immutable.
 */
final class Grammar {
    /** What a node does. */
    enum Kind {
        /** Takes one byte of a range and goes on. */
        BYTES,
        /** Goes on at any of several nodes. */
        SPLIT,
        /** Runs a rule and goes on. */
        CALL,
        /** Runs a rule so and so often and goes on. */
        LOOP,
        /** The rule is over. */
        END
    }

    /**
     * A node; which members count depends on its kind.
     *
     * @param from least byte of BYTES; fewest rounds of LOOP
     * @param to greatest byte of BYTES; most rounds of LOOP
     * @param rule start node of the rule of CALL and LOOP
     * @param next where it goes on
     * @param targets of SPLIT
     */
    record Node(Kind kind, int from, int to, int rule, int next, int[] targets) {}

    /** More bytes than any text has: there is no end from here. */
    static final int ENDLESS = Integer.MAX_VALUE / 4;

    private final String parameter;
    private final Node[] nodes;
    private final int start;
    /** Fewest bytes from each node to the end of its rule. */
    private final int[] need;

    /**
     * @param parameter the request's field, for messages
     * @param start first node of the first rule
     * @param need fewest bytes from each node to the end of its rule
     */
    Grammar(String parameter, Node[] nodes, int start, int[] need) {
        this.parameter = parameter;
        this.nodes = nodes;
        this.start = start;
        this.need = need;
    }

    /** The request's field, for messages. */
    String parameter() {
        return parameter;
    }

    Node node(int index) {
        return nodes[index];
    }

    int start() {
        return start;
    }

    /** Fewest bytes from a node to the end of its rule. */
    int need(int node) {
        return need[node];
    }

    /** Nodes in all. */
    int size() {
        return nodes.length;
    }
}
