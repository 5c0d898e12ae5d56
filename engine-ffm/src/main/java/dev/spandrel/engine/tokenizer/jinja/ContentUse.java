package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How a template looks at the content of messages, told from its tokens. As in vLLM names are followed from {@code messages} on
 * through {@code set} and {@code for}, scopes are not; a variable named {@code content} counts as one in any macro.
 *
 * @param inParts whether a loop runs over a content
 * @param asText whether a content is asked whether it is a string
 */
record ContentUse(boolean inParts, boolean asText) {
    private static final String CONTENT = "content";

    static ContentUse of(List<Token> tokens) {
        Names names = new Names(bindings(tokens));
        return new ContentUse(names.loopOverContent(), asksForString(tokens, names.contents));
    }

    /** What a name is bound to: a variable, perhaps one item of it, perhaps a member of that. */
    private record Source(String variable, boolean item, String member) {}

    private record Binding(boolean loop, String name, Source source) {}

    /** Which names stand for all messages, for one, and for a content; grown until nothing is added. */
    private static final class Names {
        private final List<Binding> bindings;
        private final Set<String> lists = new HashSet<>(Set.of("messages"));
        private final Set<String> messages = new HashSet<>();
        private final Set<String> contents = new HashSet<>(Set.of(CONTENT));

        Names(List<Binding> bindings) {
            this.bindings = bindings;
            boolean grown = true;
            while (grown) {
                grown = false;
                for (Binding binding : bindings) {
                    grown |= grow(binding);
                }
            }
        }

        private boolean grow(Binding binding) {
            Source source = binding.source();
            if (isList(source)) {
                return (binding.loop() ? messages : lists).add(binding.name());
            }
            if (!binding.loop() && isMessage(source) && source.member() == null) {
                return messages.add(binding.name());
            }
            return !binding.loop() && isContent(source) && contents.add(binding.name());
        }

        private boolean isList(Source source) {
            return lists.contains(source.variable()) && !source.item() && source.member() == null;
        }

        private boolean isMessage(Source source) {
            return source.item() ? lists.contains(source.variable()) : messages.contains(source.variable());
        }

        private boolean isContent(Source source) {
            return source.member() == null
                    ? contents.contains(source.variable()) && !source.item()
                    : source.member().equals(CONTENT) && isMessage(source);
        }

        boolean loopOverContent() {
            return bindings.stream().anyMatch(binding -> binding.loop() && isContent(binding.source()));
        }
    }

    private static List<Binding> bindings(List<Token> tokens) {
        List<Binding> bindings = new ArrayList<>();
        for (int i = 0; i + 3 < tokens.size(); i++) {
            boolean block = tokens.get(i).kind() == Kind.BLOCK_BEGIN
                    && tokens.get(i + 2).kind() == Kind.NAME;
            boolean loop =
                    tokens.get(i + 1).is(Kind.NAME, "for") && tokens.get(i + 3).is(Kind.NAME, "in");
            boolean set =
                    tokens.get(i + 1).is(Kind.NAME, "set") && tokens.get(i + 3).is(Kind.OPERATOR, "=");
            Source source = block && (loop || set) ? source(tokens, i + 4) : null;
            if (source != null) {
                bindings.add(new Binding(loop, tokens.get(i + 2).text(), source));
            }
        }
        return bindings;
    }

    /** The variable that an expression is, but for items, slices, filters and one member; null when it is more than that. */
    private static Source source(List<Token> tokens, int from) {
        if (tokens.get(from).kind() != Kind.NAME) {
            return null;
        }
        boolean item = false;
        String member = null;
        int at = from + 1;
        while (!ends(tokens.get(at))) {
            Token token = tokens.get(at);
            if (token.is(Kind.OPERATOR, "|")) {
                at = tokens.get(at + 2).is(Kind.OPERATOR, "(") ? closing(tokens, at + 2) + 1 : at + 2;
            } else if (token.is(Kind.OPERATOR, ".") && member == null) {
                member = tokens.get(at + 1).text();
                at += 2;
            } else if (token.is(Kind.OPERATOR, "[")) {
                int close = closing(tokens, at);
                boolean slice = tokens.subList(at, close).stream().anyMatch(part -> part.is(Kind.OPERATOR, ":"));
                if (!slice && member != null) {
                    return null;
                }
                if (!slice && tokens.get(at + 1).kind() == Kind.STRING) {
                    member = tokens.get(at + 1).text();
                } else if (!slice) {
                    item = true;
                }
                at = close + 1;
            } else {
                return null;
            }
        }
        return new Source(tokens.get(from).text(), item, member);
    }

    private static boolean ends(Token token) {
        return token.kind() == Kind.BLOCK_END || token.kind() == Kind.END || token.is(Kind.NAME, "if");
    }

    /** Where the bracket closes that opens at {@code from}; templates that do not close it were refused before. */
    private static int closing(List<Token> tokens, int from) {
        int open = 0;
        for (int i = from; ; i++) {
            String text = tokens.get(i).kind() == Kind.OPERATOR ? tokens.get(i).text() : " ";
            open += "([{".contains(text) ? 1 : ")]}".contains(text) ? -1 : 0;
            if (open == 0) {
                return i;
            }
        }
    }

    private static boolean asksForString(List<Token> tokens, Set<String> contents) {
        for (int i = 2; i + 2 < tokens.size(); i++) {
            if (tokens.get(i).is(Kind.NAME, "is")) {
                int test = tokens.get(i + 1).is(Kind.NAME, "not") ? i + 2 : i + 1;
                Token before = tokens.get(i - 1);
                boolean content = before.kind() == Kind.NAME && contents.contains(before.text())
                        || before.is(Kind.OPERATOR, "]") && tokens.get(i - 2).is(Kind.STRING, CONTENT);
                if (content && tokens.get(test).is(Kind.NAME, "string")) {
                    return true;
                }
            }
        }
        return false;
    }
}
