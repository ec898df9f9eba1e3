using System.Net;
using System.Text.RegularExpressions;
using LoraOps.Cli.Reports.Html;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Reports;

/// <summary>What the pages say, without a browser.</summary>
public sealed partial class PageTextTests
{
    [Fact]
    public void A_parity_report_says_the_verified_text() => Verified.Text(Said(HtmlReport.Write(SampleProof.Failed)), "parity");

    [Fact]
    public void A_recipe_report_says_the_verified_text() => Verified.Text(Said(SampleRun.Page("shanghai")), "run");

    [Fact]
    public void The_same_validation_from_another_folder_gives_the_same_bytes_and_names_no_folder()
    {
        var pages = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            using var folder = new TemporaryFolder();
            Directory.CreateDirectory(folder["deep"]);
            File.Copy(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"), folder["deep/m.onnx"]);
            File.Copy(Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"), folder["deep/r.safetensors"]);
            string[] reports = ["--report", folder["p.html"], "--junit", folder["j.xml"], "--sarif", folder["s.sarif"]];
            Loraops.Run(["validate", "--candidate", folder["deep/m.onnx"], "--expected", folder["deep/r.safetensors"], "--gate", "max-abs<=1", .. reports]);
            var all = string.Concat(new[] { "p.html", "j.xml", "s.sarif" }.Select(name => File.ReadAllText(folder[name])));
            Assert.DoesNotContain(Path.GetFileName(folder.Path), all, StringComparison.Ordinal);
            pages.Add(all);
        }

        Assert.Equal(pages[0], pages[1]);
    }

    // Every cell and heading on a line of its own.
    private static string Said(string page)
    {
        var body = page[page.IndexOf("<body>", StringComparison.Ordinal)..page.IndexOf("<script>", StringComparison.Ordinal)];
        var text = Inline().Replace(body, "");
        text = WebUtility.HtmlDecode(Tag().Replace(text, "\n"));
        return string.Join('\n', text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));
    }

    [GeneratedRegex("</?(span|wbr|strong|code)[^>]*>")]
    private static partial Regex Inline();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();
}
