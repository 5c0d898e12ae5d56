import type { Span } from './otlp';

/** A span in its place. */
export interface Node {
  span: Span;
  depth: number;
  children: Node[];
  /** How many spans are below. */
  below: number;
  /** Its parent is named but not in the trace. */
  orphan: boolean;
  /** Parts of it that the whole waited for, in milliseconds from the start of the trace. */
  critical: [from: number, to: number][];
}

/** The tops of the tree, earliest first. A cycle, which only a broken sender makes, is cut where it is met. */
export function tree(spans: Span[]): Node[] {
  const nodes = new Map<string, Node>();
  const sorted = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  const all = sorted.map((span) => {
    const node: Node = { span, depth: 0, children: [], below: 0, orphan: false, critical: [] };
    // of two with one id, which a broken sender makes, the first is the parent
    if (!nodes.has(span.id)) nodes.set(span.id, node);
    return node;
  });
  const tops: Node[] = [];
  for (const node of all) {
    const parent = nodes.get(node.span.parentId);
    if (parent && parent !== node) parent.children.push(node);
    else {
      node.orphan = node.span.parentId !== '';
      tops.push(node);
    }
  }
  const reached = place(tops);
  for (const node of all) {
    if (!reached.has(node)) {
      for (const other of all) other.children = other.children.filter((child) => child !== node);
      tops.push(node);
      for (const seen of place([node], reached)) reached.add(seen);
    }
  }
  countBelow(tops);
  const [root] = tops;
  if (root) criticalPath(root);
  return tops;
}

function place(tops: Node[], reached = new Set<Node>()): Set<Node> {
  const open = [...tops];
  for (let node = open.pop(); node; node = open.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    for (const child of node.children) {
      child.depth = node.depth + 1;
      open.push(child);
    }
  }
  return reached;
}

function countBelow(tops: Node[]): void {
  const order: Node[] = [];
  const open = [...tops];
  for (let node = open.pop(); node; node = open.pop()) {
    order.push(node);
    open.push(...node.children);
  }
  for (const node of order.reverse()) node.below = node.children.reduce((sum, child) => sum + 1 + child.below, 0);
}

/**
 * From the end backwards: what ended last before the point reached is what was waited for; the rest of the time is the
 * span's own.
 */
function criticalPath(root: Node): void {
  const open: [node: Node, until: number][] = [[root, root.span.end]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, until] = next;
    let cursor = Math.min(node.span.end, until);
    for (const child of [...node.children].sort((a, b) => b.span.end - a.span.end)) {
      if (child.span.start >= cursor || child.span.end <= node.span.start) continue;
      const end = Math.min(child.span.end, cursor);
      if (end < cursor) node.critical.push([end, cursor]);
      open.push([child, end]);
      cursor = Math.max(node.span.start, child.span.start);
    }
    if (cursor > node.span.start) node.critical.push([node.span.start, cursor]);
  }
}

/** The nodes in the order of the page, those below a collapsed one left out. */
export function flatten(tops: Node[], collapsed: ReadonlySet<string>): Node[] {
  const out: Node[] = [];
  const open = [...tops].reverse();
  for (let node = open.pop(); node; node = open.pop()) {
    out.push(node);
    if (!collapsed.has(node.span.id)) for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i]!);
  }
  return out;
}
