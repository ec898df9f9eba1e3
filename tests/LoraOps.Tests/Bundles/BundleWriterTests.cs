using System.Diagnostics;
using System.Globalization;
using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Tests.Bundles;

/// <summary>A bundle is whole, readable by coreutils and the same wherever it is made.</summary>
public sealed class BundleWriterTests
{
    [Fact]
    public void A_bundle_is_intact_and_its_manifest_reads_back()
    {
        using var folder = new TemporaryFolder();
        var bundle = TinyBundle.Write(folder);
        Assert.Empty(BundleVerifier.Verify(bundle));
        var manifest = BundleVerifier.Read(bundle);
        Assert.Equal("shanghai-orin-x", manifest.Name);
        Assert.Equal(["model.onnx", "notes/read me.txt"], manifest.Files.Select(file => file.Path));
        Assert.Equal(7, manifest.Files[0].Bytes);
        Assert.Equal(double.PositiveInfinity, manifest.Parity[0].Metrics[1].Value);
        Assert.Equal("0.1.0", manifest.Tool.Version);
    }

    [Fact]
    public void The_manifest_is_spelt_as_people_read_it()
    {
        using var folder = new TemporaryFolder();
        var text = File.ReadAllText(Path.Combine(TinyBundle.Write(folder), "manifest.json"));
        Assert.StartsWith("{\n  \"schema\": \"loraops-bundle\",\n  \"schemaVersion\": 1,\n  \"tool\": {", text, StringComparison.Ordinal);
        Assert.EndsWith("\n}\n", text, StringComparison.Ordinal);
        Assert.Contains("\"limit\": \"cosine>=0.99\"", text, StringComparison.Ordinal);
        Assert.Contains("\"value\": 0.9987", text, StringComparison.Ordinal);
        Assert.Contains("\"value\": \"Infinity\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"compile\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", text, StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Path, text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_input_gives_the_same_bytes_in_any_folder_order_and_culture()
    {
        using var here = new TemporaryFolder();
        using var there = new TemporaryFolder();
        var first = TinyBundle.Write(here);
        var culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = "," } };
            var second = TinyBundle.Write(there, "elsewhere");
            Assert.Equal(TinyBundle.Files(first).Select(File.ReadAllBytes), TinyBundle.Files(second).Select(File.ReadAllBytes));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void Coreutils_accept_the_sums()
    {
        if (!File.Exists("/usr/bin/sha256sum"))
            return;

        using var folder = new TemporaryFolder();
        using var check = Process.Start(new ProcessStartInfo("/usr/bin/sha256sum", ["--strict", "--quiet", "-c", "SHA256SUMS"])
        {
            WorkingDirectory = TinyBundle.Write(folder),
        })!;
        check.WaitForExit();
        Assert.Equal(0, check.ExitCode);
    }

    [Theory]
    [InlineData("../model.onnx")]
    [InlineData("/model.onnx")]
    [InlineData("a//b")]
    [InlineData("a\\b")]
    [InlineData("line\nbreak")]
    [InlineData("")]
    [InlineData("manifest.json")]
    [InlineData("sha256sums")]
    [InlineData("1/2/3/4/5/6/7/8/9")]
    public void Refuses_a_path_that_no_bundle_can_hold(string path)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["x"], "");
        var refused = Assert.Throws<LoraOpsException>(
            () => BundleWriter.Write(folder["out"], [new BundleFile(path, folder["x"])], TinyBundle.Manifest));
        Assert.Equal(ProblemCode.BundlePathUnusable, refused.Problems[0].Code);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    [Raises(ProblemCode.BundlePathUnusable)]
    public void Names_every_file_that_is_missing_or_there_twice()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a"], "");
        BundleFile[] files = [new("a", folder["a"]), new("A", folder["a"]), new("b", folder["b"]), new("c", folder["c"])];
        var refused = Assert.Throws<LoraOpsException>(() => BundleWriter.Write(folder["out"], files, TinyBundle.Manifest));
        Assert.Equal(
            [ProblemCode.BundlePathUnusable, ProblemCode.FileMissing, ProblemCode.FileMissing], refused.Problems.Select(p => p.Code));
    }

    [Fact]
    public void Does_not_replace_a_folder_unasked()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["bundle"]);
        File.WriteAllText(Path.Combine(folder["bundle"], "mine"), "");
        File.WriteAllText(folder["x"], "");
        var refused = Assert.Throws<LoraOpsException>(
            () => BundleWriter.Write(folder["bundle"], [new BundleFile("x", folder["x"])], TinyBundle.Manifest));
        Assert.Equal(ProblemCode.OutputExists, refused.Problems[0].Code);
        Assert.True(File.Exists(Path.Combine(folder["bundle"], "mine")));
    }
}
