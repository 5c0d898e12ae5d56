package dev.spandrel.engine.tokenizer.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** Python's operators on values. Integers are 64 bits wide: what does not fit is an error, never a wrong number. */
final class Operators {
    private Operators() {}

    static Object binary(String operator, Object left, Object right, Budget budget) {
        try {
            return switch (operator) {
                case "+" -> add(left, right, budget);
                case "*" -> multiply(left, right, budget);
                case "%" ->
                    left instanceof String format
                            ? PercentFormat.format(
                                    format,
                                    right instanceof Tuple t ? t : java.util.Collections.singletonList(right),
                                    budget)
                            : modulo(left, right);
                case "~" -> concatenate(Text.of(left, budget), Text.of(right, budget), budget);
                default -> arithmetic(operator, left, right);
            };
        } catch (ArithmeticException e) {
            throw new TemplateException(
                    "expected a result of " + operator + " in 64 bits, found none: " + e.getMessage());
        }
    }

    private static Object add(Object left, Object right, Budget budget) {
        if (left instanceof String a && right instanceof String b) {
            return concatenate(a, b, budget);
        }
        if (left instanceof List<?> a && right instanceof List<?> b && a instanceof Tuple == b instanceof Tuple) {
            budget.charge((long) a.size() + b.size());
            List<Object> both = new ArrayList<>(a);
            both.addAll(b);
            return a instanceof Tuple ? new Tuple(both) : both;
        }
        return arithmetic("+", left, right);
    }

    private static String concatenate(String left, String right, Budget budget) {
        budget.charge((long) left.length() + right.length());
        return left + right;
    }

    private static Object multiply(Object left, Object right, Budget budget) {
        if (left instanceof Long && (right instanceof String || right instanceof List<?>)) {
            return multiply(right, left, budget);
        }
        if (left instanceof String text && right instanceof Long times) {
            budget.charge(size(text.length(), times));
            return text.repeat((int) Math.max(0, text.isEmpty() ? 0 : times));
        }
        if (left instanceof List<?> list && right instanceof Long times) {
            budget.charge(size(list.size(), times));
            List<Object> repeated = new ArrayList<>();
            for (long i = 0; i < times && !list.isEmpty(); i++) {
                repeated.addAll(list);
            }
            return repeated;
        }
        return arithmetic("*", left, right);
    }

    private static long size(long length, long times) {
        return times <= 0 ? 0 : Math.multiplyExact(length, times);
    }

    private static Object modulo(Object left, Object right) {
        return arithmetic("%", left, right);
    }

    private static Object arithmetic(String operator, Object left, Object right) {
        if (!Values.isNumber(left) || !Values.isNumber(right)) {
            Object wrong = Values.isNumber(left) ? right : left;
            if (wrong instanceof Undefined undefined) {
                throw undefined.error();
            }
            throw new TemplateException("expected operands that fit " + operator + ", found " + Values.type(left)
                    + " and " + Values.type(right));
        }
        boolean integers = !(left instanceof Double) && !(right instanceof Double) && !operator.equals("/");
        return integers
                ? integers(operator, Values.integer(left), Values.integer(right))
                : floats(operator, number(left), number(right));
    }

    private static Object integers(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> Math.addExact(a, b);
            case "-" -> Math.subtractExact(a, b);
            case "*" -> Math.multiplyExact(a, b);
            case "//" -> Math.floorDivExact(a, b);
            case "%" -> Math.floorMod(a, b);
            case "**" -> b < 0 ? (Object) Math.pow(a, b) : (Object) power(a, b);
            default -> throw new TemplateException("expected an operator, found " + operator);
        };
    }

    private static long power(long base, long exponent) {
        if (exponent > 63 && base != 0 && base != 1 && base != -1) {
            throw new ArithmeticException("long overflow");
        }
        long result = 1;
        for (long i = exponent > 63 ? 62 + exponent % 2 : exponent; i > 0; i--) {
            result = Math.multiplyExact(result, base);
        }
        return result;
    }

    private static Object floats(String operator, double a, double b) {
        if (b == 0 && (operator.startsWith("/") || operator.equals("%"))) {
            throw new ArithmeticException("division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            case "**" -> Math.pow(a, b);
            default -> throw new TemplateException("expected an operator, found " + operator);
        };
    }

    static Object negate(Object value) {
        return value instanceof Double number ? (Object) (-number) : (Object) Math.negateExact(Values.integer(value));
    }

    static double number(Object value) {
        return value instanceof Double number ? number : Values.integer(value);
    }

    static boolean compare(String operator, Object left, Object right) {
        return switch (operator) {
            case "==" -> Values.equal(left, right);
            case "!=" -> !Values.equal(left, right);
            case "<" -> order(left, right) < 0;
            case "<=" -> order(left, right) <= 0;
            case ">" -> order(left, right) > 0;
            case ">=" -> order(left, right) >= 0;
            case "in" -> Values.contains(right, left);
            default -> !Values.contains(right, left);
        };
    }

    /** Numbers by value, strings by code points, lists by their first difference. */
    static int order(Object left, Object right) {
        if (Values.isNumber(left) && Values.isNumber(right)) {
            return compareNumbers(left, right);
        }
        if (left instanceof String a && right instanceof String b) {
            return java.util.Arrays.compare(
                    a.codePoints().toArray(), b.codePoints().toArray());
        }
        if (left instanceof List<?> a && right instanceof List<?> b) {
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                if (!Values.equal(a.get(i), b.get(i))) {
                    return order(a.get(i), b.get(i));
                }
            }
            return Integer.compare(a.size(), b.size());
        }
        throw new TemplateException(
                "expected two values with an order, found " + Values.type(left) + " and " + Values.type(right));
    }

    static int compareNumbers(Object left, Object right) {
        if (left instanceof Double || right instanceof Double) {
            double a = number(left);
            double b = number(right);
            boolean finite = Double.isFinite(a) && Double.isFinite(b);
            return finite ? new BigDecimal(a).compareTo(new BigDecimal(b)) : a == b ? 0 : Double.compare(a, b);
        }
        return Long.compare(Values.integer(left), Values.integer(right));
    }
}
