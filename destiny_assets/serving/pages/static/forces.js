// Where the nodes of a small graph lie: they push each other away, edges pull, the first one stays in the middle. Numbers in, places out.
const STEPS = 240;

/**
 * Places nodes in a rectangle; the same graph always lies the same way.
 * @param {number} nodes how many; node 0 is the centre.
 * @param {[number, number][]} edges pairs of node numbers.
 * @returns {{x: number, y: number}[]}
 */
export function settle(nodes, edges, width, height, margin = 40) {
  const area = width * height, ideal = Math.min(170, Math.sqrt(area / Math.max(nodes, 2)) * 0.75);
  const places = Array.from({ length: nodes }, (_, number) => {
    // A sunflower: no two begin in one spot, and nothing is left to chance.
    const angle = number * 2.399963, far = ideal * Math.sqrt(number) * 0.7;
    return { x: width / 2 + Math.cos(angle) * far, y: height / 2 + Math.sin(angle) * far };
  });
  for (let step = 0; step < STEPS; step += 1) {
    const heat = 12 * (1 - step / STEPS) + 0.3;
    const moves = places.map(() => ({ x: 0, y: 0 }));
    for (let a = 0; a < nodes; a += 1) {
      for (let b = a + 1; b < nodes; b += 1) {
        const dx = places[a].x - places[b].x, dy = places[a].y - places[b].y, far = Math.max(1, Math.hypot(dx, dy));
        const push = (ideal * ideal) / far / far;
        moves[a].x += dx * push; moves[a].y += dy * push;
        moves[b].x -= dx * push; moves[b].y -= dy * push;
      }
    }
    for (const [a, b] of edges) {
      const dx = places[a].x - places[b].x, dy = places[a].y - places[b].y, pull = Math.hypot(dx, dy) / ideal;
      moves[a].x -= dx * pull; moves[a].y -= dy * pull;
      moves[b].x += dx * pull; moves[b].y += dy * pull;
    }
    for (let node = 1; node < nodes; node += 1) {
      const far = Math.max(0.01, Math.hypot(moves[node].x, moves[node].y));
      places[node].x = clamp(places[node].x + (moves[node].x / far) * Math.min(far, heat), margin, width - margin);
      places[node].y = clamp(places[node].y + (moves[node].y / far) * Math.min(far, heat), margin, height - margin);
    }
  }
  return places;
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
