using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using LoraOps.Cli.Reports;
using LoraOps.Cli.Reports.Html;
using LoraOps.Testing;
using Microsoft.Playwright;

namespace LoraOps.Cli.Tests.Reports;

/// <summary>The page in a real browser, headless.</summary>
public sealed partial class HtmlReportTests(BrowserPages browser) : IClassFixture<BrowserPages>
{
    private const int PhoneWidth = 360;

    // A4 less its margins, in CSS pixels.
    private const int PaperWidth = 695;
    private const int PaperHeight = 1016;

    public static TheoryData<string> Pages() => ["failed", "passed", "bare", "run"];

    [BrowserTheory]
    [MemberData(nameof(Pages))]
    public async Task A_page_asks_for_nothing_and_complains_of_nothing(string name)
    {
        using var page = await browser.Open(Page(name));

        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        Assert.Equal(page.Page.Url, Assert.Single(page.Requests));
        Assert.Empty(page.Complaints);
        Assert.Empty(await page.Page.EvaluateAsync<string[]>(PageProbes.Unspoken));
    }

    [BrowserTheory]
    [MemberData(nameof(Pages))]
    public async Task A_phone_shows_it_without_scrolling_sideways(string name)
    {
        using var page = await browser.Open(Page(name), PhoneWidth);
        await OpenAll(page);

        Assert.Equal(PhoneWidth, await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        Assert.Empty(await page.Page.EvaluateAsync<string[]>(PageProbes.TooWide));
    }

    [BrowserFact]
    public async Task Every_text_and_drawing_stands_out_in_the_light_and_in_the_dark()
    {
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            foreach (var name in new[] { "failed", "passed", "bare", "run" })
            {
                using var page = await browser.Open(Page(name), scheme: scheme);
                await OpenAll(page);

                Assert.Empty(await page.Page.EvaluateAsync<string[]>(PageProbes.PoorContrast));
                if (name is "failed" or "passed")
                    Assert.Empty(await page.Page.EvaluateAsync<string[]>(PageProbes.PoorDrawings));
            }

            using var plain = await browser.Open(HtmlReport.Write(SampleProof.Failed), scheme: scheme);
            var paper = await plain.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
            Assert.Equal(scheme == ColorScheme.Light ? "rgb(255, 255, 255)" : "rgb(19, 22, 26)", paper);
        }
    }

    [BrowserFact]
    public async Task It_prints_whole_and_opened()
    {
        using var page = await browser.Open(HtmlReport.Write(SampleProof.Failed), PaperWidth, scripts: false);

        await page.Page.EmulateMediaAsync(new PageEmulateMediaOptions { Media = Media.Print });
        Assert.Empty(await page.Page.EvaluateAsync<string[]>(PageProbes.HigherThanPaper, PaperHeight));
        Assert.Equal(PaperWidth, await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        Assert.All(
            await page.Page.EvaluateAsync<double[]>(PageProbes.Heights),
            height => Assert.True(height > 20, $"a part is {height} high on paper"));
        var pdf = await page.Page.PdfAsync(new PagePdfOptions { PreferCSSPageSize = true });
        Assert.StartsWith("%PDF-", Encoding.ASCII.GetString(pdf, 0, 5), StringComparison.Ordinal);
        Assert.InRange(PdfPage().Count(Encoding.Latin1.GetString(pdf)), 3, 12);
    }

    [BrowserFact]
    public async Task Details_open_without_a_script_and_all_at_once_with_it()
    {
        using var plain = await browser.Open(HtmlReport.Write(SampleProof.Failed), scripts: false);
        Assert.False(await plain.Page.Locator("details .histogram").First.IsVisibleAsync());
        await plain.Page.Locator("details summary").First.ClickAsync();
        Assert.True(await plain.Page.Locator("details .histogram").First.IsVisibleAsync());
        Assert.Equal(0, await plain.Page.Locator("button").CountAsync());

        using var page = await browser.Open(HtmlReport.Write(SampleProof.Failed));
        var all = SampleProof.Failed.Report.Layers.Count;
        await page.Page.ClickAsync("text=Open all");
        Assert.Equal(all, await page.Page.Locator("details[open]").CountAsync());
        await page.Page.ClickAsync("text=Close all");
        Assert.Equal(0, await page.Page.Locator("details[open]").CountAsync());
        Assert.Empty(page.Complaints);
    }

    [BrowserFact]
    public async Task A_name_that_is_markup_stays_a_name()
    {
        foreach (var name in HostileNames.All)
        {
            using var page = await browser.Open(HtmlReport.Write(SampleProof.Named(name)), PhoneWidth);
            await OpenAll(page);

            Assert.Single(page.Requests);
            Assert.Empty(page.Complaints);
            Assert.Equal(1, await page.Page.Locator("script").CountAsync());
            Assert.Equal("undefined", await page.Page.EvaluateAsync<string>("() => typeof window.owned"));
            Assert.Equal(PhoneWidth, await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
            Assert.Empty(await page.Page.EvaluateAsync<string[]>(PageProbes.Unspoken));
            using (var run = await browser.Open(SampleRun.Page(name), PhoneWidth))
            {
                Assert.Empty(run.Complaints);
                Assert.Equal(PhoneWidth, await run.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
            }

            Assert.Contains(ReportText.Short(name, 120), await page.Page.Locator("#layers tbody th").First.TextContentAsync() ?? "", StringComparison.Ordinal);
        }
    }

    [BrowserFact]
    public async Task The_table_of_gates_is_what_json_says()
    {
        using var folder = new TemporaryFolder();
        var run = Loraops.Run(
            "validate", "--candidate", Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"), "--json", "--chip", "x64-vnni",
            "--expected", Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"), "--gate", "max-abs<=1e-4", "--gate", "norm-ratio>=0.1",
            "--report", folder["r.html"]).Ended(3);
        using var page = await browser.Open(await File.ReadAllTextAsync(folder["r.html"]));

        var rows = await page.Page.EvaluateAsync<string[][]>(PageProbes.Gates);
        var said = run.Json.GetProperty("gates").EnumerateArray().Select(gate => new[]
        {
            gate.GetProperty("gate").GetString(),
            gate.GetProperty("result").GetString() == "pass" ? "✓\u00a0pass" : "✗\u00a0FAIL",
            gate.GetProperty("measured").GetDouble().ToString("G6", CultureInfo.InvariantCulture),
            gate.GetProperty("output").GetString(),
        });
        Assert.Equal(said, rows.Select(row => new[] { row[0], row[1], row[2].Replace('−', '-'), row[4] }));
        Assert.All(run.Json.GetProperty("floatLayers").EnumerateArray(), layer =>
            Assert.Equal("its weight is float in the file", layer.GetProperty("why").GetString()));
        Assert.Equal(26, run.Json.GetProperty("floatLayers").GetArrayLength());
        Assert.Equal("Failed", await page.Page.InnerTextAsync(".verdict .word"));
        Assert.Equal(
            run.Json.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("sha256").GetString()),
            await page.Page.Locator("#files code").AllInnerTextsAsync());
    }

    private static string Page(string name) => name switch
    {
        "failed" => HtmlReport.Write(SampleProof.Failed),
        "passed" => HtmlReport.Write(SampleProof.Passed),
        "bare" => HtmlReport.Write(SampleProof.Bare),
        _ => SampleRun.Page("shanghai"),
    };

    private static Task<System.Text.Json.JsonElement?> OpenAll(OpenPage page) =>
        page.Page.EvaluateAsync("() => document.querySelectorAll('details').forEach(one => one.open = true)");

    [GeneratedRegex(@"/Type\s*/Page\b(?!s)")]
    private static partial Regex PdfPage();
}
