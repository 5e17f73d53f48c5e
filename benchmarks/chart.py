"""A bar chart of results as SVG."""

from html import escape

COLOURS = ("#0b6bcb", "#e07b39", "#f0b27a", "#b9770e", "#7d8b99", "#7b5ea7", "#3b9c73", "#b0b7bf")
BAR, GAP, LEFT, WIDTH, TOP = 8, 10, 260, 560, 60


def text(x, y, words, **attributes):
    given = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x}" y="{y}"{given}>{escape(words)}</text>'


def bars(title, headings, rows):
    """Return a chart of how near each contender comes to the fastest one of each row, which fills the width.

    Args:
        title: What is above the chart.
        headings: The legend's words for each contender.
        rows: For each case its name and the times by contender.
    """
    colours = dict(zip(headings, COLOURS))
    shapes = [text(10, 20, title, font_size=14, font_weight="bold")]
    x = 10
    for name, heading in headings.items():
        shapes.append(f'<rect x="{x}" y="32" width="10" height="10" fill="{colours[name]}"/>')
        shapes.append(text(x + 14, 41, heading))
        x += 26 + 7 * len(heading)
    y = TOP
    for case, times in rows:
        best = min(times.values())
        shapes.append(text(LEFT - 8, y + len(times) * BAR / 2 + 4, case, text_anchor="end"))
        for name in filter(times.__contains__, headings):
            width = WIDTH * best / times[name]
            shapes.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 1}" fill="{colours[name]}"/>')
            shapes.append(text(f"{LEFT + width + 4:.1f}", y + BAR - 1, f"{times[name]:.3g} ms", font_size=8))
            y += BAR
        y += GAP
    width = max(LEFT + WIDTH + 60, x)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="11">'
    return "\n".join([head, f'<rect width="{width}" height="{y}" fill="white"/>', *shapes, "</svg>\n"])
