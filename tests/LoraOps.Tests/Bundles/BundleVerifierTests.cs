using System.Text;
using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Tests.Bundles;

/// <summary>Nobody changes a bundle unseen.</summary>
public sealed class BundleVerifierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _bundle;

    public BundleVerifierTests() => _bundle = TinyBundle.Write(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_flipped_bit_of_every_file_is_found()
    {
        TinyBundle.Write(_folder, manifest: new BundleManifest { Name = "x" });
        foreach (var file in TinyBundle.Files(_bundle).ToList())
        {
            var bytes = File.ReadAllBytes(file);
            for (var at = 0; at < bytes.Length; at++)
            {
                bytes[at] ^= (byte)(1 << (at % 8));
                File.WriteAllBytes(file, bytes);
                Assert.Equal(ExitCode.WrongDigest, FirstExit($"{file} at {at}"));
                bytes[at] ^= (byte)(1 << (at % 8));
            }

            File.WriteAllBytes(file, bytes);
        }

        Assert.Empty(BundleVerifier.Verify(_bundle));
    }

    [Fact]
    public void A_removed_and_a_doubled_byte_are_found_anywhere()
    {
        TinyBundle.Write(_folder, manifest: new BundleManifest { Name = "x" });
        foreach (var file in TinyBundle.Files(_bundle).ToList())
        {
            var bytes = File.ReadAllBytes(file);
            for (var at = 0; at < bytes.Length; at += 3)
            {
                File.WriteAllBytes(file, [.. bytes[..at], .. bytes[(at + 1)..]]);
                Assert.Equal(ExitCode.WrongDigest, FirstExit($"{file} without {at}"));
                File.WriteAllBytes(file, [.. bytes[..at], bytes[at], .. bytes[at..]]);
                Assert.Equal(ExitCode.WrongDigest, FirstExit($"{file} with {at} twice"));
            }

            File.WriteAllBytes(file, bytes);
        }
    }

    [Fact]
    public void Every_removed_file_is_found()
    {
        foreach (var file in TinyBundle.Files(_bundle).ToList())
        {
            var bytes = File.ReadAllBytes(file);
            File.Delete(file);
            Assert.Contains(BundleVerifier.Verify(_bundle), problem => problem.Code == ProblemCode.BundleFileMissing && problem.Where == file);
            File.WriteAllBytes(file, bytes);
        }
    }

    [Theory]
    [InlineData("extra.txt")]
    [InlineData(".hidden")]
    [InlineData("notes/.DS_Store")]
    public void An_added_file_is_found(string name)
    {
        File.WriteAllText(Path.Combine(_bundle, name), "");
        Assert.Equal([ProblemCode.BundleFileExtra], Codes());
    }

    [Fact]
    public void An_added_empty_folder_is_found()
    {
        Directory.CreateDirectory(Path.Combine(_bundle, "empty"));
        Assert.Equal([ProblemCode.BundleFileExtra], Codes());
    }

    [Fact]
    public void Folders_are_not_followed_for_ever()
    {
        Directory.CreateDirectory(Path.Combine([_bundle, .. Enumerable.Repeat("deep", 50)]));
        Assert.Equal([ProblemCode.BundleFileExtra], Codes());
    }

    [Fact]
    public void A_link_is_found_even_to_the_same_bytes()
    {
        var model = Path.Combine(_bundle, "model.onnx");
        File.Move(model, _folder["aside"]);
        File.CreateSymbolicLink(model, _folder["aside"]);
        Assert.Equal(ProblemCode.BundleEntryNotPlain, Codes()[0]);
    }

    [Fact]
    public void A_linked_folder_is_found()
    {
        Directory.Move(Path.Combine(_bundle, "notes"), _folder["aside"]);
        Directory.CreateSymbolicLink(Path.Combine(_bundle, "notes"), _folder["aside"]);
        Assert.Equal(ProblemCode.BundleEntryNotPlain, Codes()[0]);
    }

    [Theory]
    [InlineData("  ", " *")]
    [InlineData("\n", "\r\n")]
    [InlineData("notes/", "./notes/")]
    [InlineData("notes/", "x/../notes/")]
    [InlineData("model.onnx", "/etc/hostname")]
    [InlineData("model.onnx", "SHA256SUMS")]
    [InlineData("model.onnx", "notes/read me.txt")]
    public void Sums_in_another_form_are_refused(string from, string to)
    {
        EditSums(text => text.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(ProblemCode.BundleSumsInvalid, Codes());
        Assert.Equal(ExitCode.WrongDigest, FirstExit("sums"));
    }

    [Fact]
    public void Sums_in_another_order_are_refused()
    {
        EditSums(text => string.Concat(text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Reverse().Select(line => line + "\n")));
        Assert.Equal([ProblemCode.BundleSumsInvalid], Codes());
    }

    [Fact]
    public void Sums_in_capitals_are_refused()
    {
        EditSums(text => text.Split("  ")[0].ToUpperInvariant() + text[64..]);
        Assert.Contains(ProblemCode.BundleSumsInvalid, Codes());
    }

    [Fact]
    public void A_wrong_line_is_named_by_its_number()
    {
        EditSums(text => text.Insert(text.IndexOf('\n', StringComparison.Ordinal) + 1, "rubbish\n"));
        Assert.Contains(BundleVerifier.Verify(_bundle), problem => problem.Where.EndsWith("SHA256SUMS:2", StringComparison.Ordinal));
    }

    [Fact]
    public void Sums_that_are_too_large_are_not_read()
    {
        using (var file = File.OpenWrite(Path.Combine(_bundle, "SHA256SUMS")))
            file.SetLength(17L << 20);

        Assert.Equal([ProblemCode.BundleSumsInvalid], Codes());
    }

    // Whoever can compute a digest can also write the sums anew: then the manifest gives them away.
    [Theory]
    [InlineData("\"bytes\": 7", "\"bytes\": 8", ProblemCode.BundleManifestDisagrees)]
    [InlineData("\"path\": \"model.onnx\"", "\"path\": \"other.onnx\"", ProblemCode.BundleManifestDisagrees)]
    [InlineData("\"sha256\": \"", "\"sha256\": \"0", ProblemCode.BundleManifestDisagrees)]
    [InlineData("\"name\": \"loraops\",", "\"name\": \"loraops\", \"more\": 1,", ProblemCode.BundleManifestInvalid)]
    [InlineData("\"name\": \"loraops\",", "\"name\": \"loraops\", \"name\": \"x\",", ProblemCode.BundleManifestInvalid)]
    [InlineData("\"name\": \"loraops\",", "\"name\": null,", ProblemCode.BundleManifestInvalid)]
    [InlineData("\"name\": \"loraops\",", "", ProblemCode.BundleManifestInvalid)]
    [InlineData("\"schemaVersion\": 1", "\"schemaVersion\": 2", ProblemCode.BundleManifestInvalid)]
    [InlineData("{\n", "[\n", ProblemCode.BundleManifestInvalid)]
    public void A_manifest_that_disagrees_is_found_even_with_fresh_sums(string from, string to, ProblemCode expected)
    {
        var path = Path.Combine(_bundle, "manifest.json");
        var before = Digest.OfFile(path);
        File.WriteAllText(path, File.ReadAllText(path).Replace(from, to, StringComparison.Ordinal));
        EditSums(text => text.Replace(before, Digest.OfFile(path), StringComparison.Ordinal));
        Assert.Equal(expected, Codes()[0]);
    }

    [Fact]
    public void Sums_without_the_manifest_prove_nothing()
    {
        File.Delete(Path.Combine(_bundle, "manifest.json"));
        EditSums(text => string.Concat(text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.EndsWith("manifest.json", StringComparison.Ordinal)).Select(line => line + "\n")));
        Assert.Equal([ProblemCode.BundleSumsInvalid], Codes());
    }

    [Fact]
    public void What_is_no_folder_is_no_bundle()
    {
        Assert.Equal(ProblemCode.FileMissing, Assert.Throws<LoraOpsException>(() => BundleVerifier.Verify(_folder["none"])).Problems[0].Code);
        Assert.Equal(ProblemCode.KindUnknown, Assert.Throws<LoraOpsException>(() => BundleVerifier.Verify(_folder["model.onnx"])).Problems[0].Code);
    }

    [Fact]
    public void The_manifest_of_a_changed_bundle_is_not_handed_out()
    {
        File.AppendAllText(Path.Combine(_bundle, "model.onnx"), "!");
        var refused = Assert.Throws<LoraOpsException>(() => BundleVerifier.Read(_bundle));
        Assert.Equal(ExitCode.WrongDigest, refused.ExitCode);
    }

    [Fact]
    public void The_digest_of_a_folder_sees_names_and_contents()
    {
        var notes = Path.Combine(_bundle, "notes");
        var before = Digest.OfPath(notes);
        File.Move(Path.Combine(notes, "read me.txt"), Path.Combine(notes, "readme.txt"));
        Assert.NotEqual(before, Digest.OfPath(notes));
        Assert.Equal(Digest.OfText("weights"), Digest.OfPath(Path.Combine(_bundle, "model.onnx")));
        Assert.Throws<LoraOpsException>(() => Digest.OfPath(_folder["none"]));
    }

    private List<ProblemCode> Codes() => [.. BundleVerifier.Verify(_bundle).Select(problem => problem.Code)];

    private ExitCode FirstExit(string change)
    {
        var problems = BundleVerifier.Verify(_bundle);
        Assert.True(problems.Count > 0, $"{change}: nothing was found");
        return problems[0].Code.ExitCode();
    }

    private void EditSums(Func<string, string> edit)
    {
        var path = Path.Combine(_bundle, "SHA256SUMS");
        File.WriteAllText(path, edit(File.ReadAllText(path)), new UTF8Encoding(false));
    }
}
