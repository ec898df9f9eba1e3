namespace LoraOps.Cli.Tests.Reports;

/// <summary>Questions that tests ask a page, in the page's own language.</summary>
internal static class PageProbes
{
    /// <summary>Elements that reach over the right edge of the window and do not lie in a part that scrolls by itself.</summary>
    public const string TooWide = """
        () => [...document.querySelectorAll("body *")]
          .filter(e => !e.closest(".wide") && !e.closest("thead") && !e.closest("svg svg") && e.getBoundingClientRect().right > innerWidth + 0.5)
          .map(e => e.tagName + "." + e.getAttribute("class") + " " + e.textContent.slice(0, 40))
        """;

    /// <summary>Every text whose contrast with what lies behind it is below WCAG's AA: 4.5, or 3 where it is large.</summary>
    public const string PoorContrast = """
        () => {
          const parse = text => {
            const n = (text.match(/-?[\d.]+(e-?\d+)?/g) || []).map(Number);
            return text.startsWith("color(") ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
          };
          const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = e => {
            for (; e; e = e.parentElement) {
              const c = parse(getComputedStyle(e).backgroundColor);
              if (c[3] === 1) return c;
              if (c[3] > 0) throw new Error("half transparent: " + e.className);
            }
            return parse(getComputedStyle(document.documentElement).backgroundColor);
          };
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const poor = [];
          let count = 0;
          while (walker.nextNode()) {
            const e = walker.currentNode.parentElement;
            if (!walker.currentNode.data.trim() || e.closest("script, style") || !e.getClientRects().length) continue;
            const style = getComputedStyle(e), size = parseFloat(style.fontSize), isBold = Number(style.fontWeight) >= 700;
            const ink = e.namespaceURI.endsWith("svg") ? style.fill : style.color;
            const a = light(parse(ink)), b = light(behind(e));
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            const least = size >= 24 || (isBold && size >= 18.66) ? 3 : 4.5;
            count++;
            if (!(ratio >= least)) poor.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${walker.currentNode.data.trim().slice(0, 30)}`);
          }
          if (count < 20) poor.push("only " + count + " texts were looked at");
          return poor;
        }
        """;

    /// <summary>Every colour of a drawing whose contrast with the paper is below 3.</summary>
    public const string PoorDrawings = """
        () => {
          const light = c => c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const parse = text => text.match(/[\d.]+/g).slice(0, 3).map(Number);
          const paper = light(parse(getComputedStyle(document.body).backgroundColor));
          const drawn = [...document.querySelectorAll(".line, path.mark, .filled, .histogram path, .limit, .guide")];
          const poor = drawn.filter(e => {
            const style = getComputedStyle(e);
            const ink = light(parse(style.fill !== "none" && style.fill !== "rgb(0, 0, 0)" ? style.fill : style.stroke));
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 3;
          }).map(e => e.getAttribute("class"));
          return drawn.length < 10 ? ["only " + drawn.length + " drawings"] : [...new Set(poor)];
        }
        """;

    /// <summary>Parts that must stay whole on paper but are higher than a page of it.</summary>
    public const string HigherThanPaper = """
        height => [...document.querySelectorAll("figure, tr, .verdict, .tiles, details")]
          .filter(e => e.getBoundingClientRect().height > height).map(e => e.tagName + " " + e.getBoundingClientRect().height)
        """;

    /// <summary>Tables without a caption or with a heading without a scope, drawings without a text, ids used twice, links to nowhere.</summary>
    public const string Unspoken = """
        () => [
          ...[...document.querySelectorAll("table")].filter(e => !e.caption || !e.caption.textContent.trim()).map(() => "a table has no caption"),
          ...[...document.querySelectorAll("th")].filter(e => !e.scope).map(e => "no scope: " + e.textContent),
          ...[...document.querySelectorAll("svg")].filter(e => !e.parentElement.closest("svg"))
            .filter(e => e.getAttribute("aria-hidden") !== "true" && !(e.getAttribute("role") === "img" && e.getAttribute("aria-label")))
            .map(() => "a drawing has no text"),
          ...[...document.querySelectorAll("[id]")].filter((e, i, all) => all.findIndex(o => o.id === e.id) !== i).map(e => "twice: " + e.id),
          ...[...document.querySelectorAll("a[href]")].filter(e => !document.querySelector(e.getAttribute("href"))).map(e => "nowhere: " + e.href),
          ...[...document.querySelectorAll("*")]
            .filter(e => !e.namespaceURI.endsWith("svg") && /^(IMG|IFRAME|LINK|OBJECT|EMBED|BASE|FORM)$/.test(e.tagName)).map(e => e.tagName),
        ]
        """;

    /// <summary>How high each section and each drawing in details is.</summary>
    public const string Heights = """
        () => [...document.querySelectorAll("section, details .histogram")].map(e => e.getBoundingClientRect().height)
        """;

    /// <summary>The cells of the table of gates.</summary>
    public const string Gates = """
        () => [...document.querySelectorAll("#gates tbody tr")].map(row => [...row.children].map(cell => cell.innerText.trim()))
        """;
}
