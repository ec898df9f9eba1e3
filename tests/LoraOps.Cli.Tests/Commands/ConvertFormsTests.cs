using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>What `convert` leaves on the disk for each form, and how it ships.</summary>
public sealed class ConvertFormsTests : IDisposable
{
    private static readonly string Model = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
    private static readonly string Shanghai = Fixtures.Path("bev-vit", "adapters", "shanghai");
    private static readonly string Beijing = Fixtures.Path("bev-vit", "adapters", "beijing");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_form_inputs_leaves_a_model_and_a_file_for_each_adapter()
    {
        Convert("inputs", _folder["new"]).Ended(0);
        Assert.Equal(["beijing.onnx_adapter", "model.onnx", "shanghai.onnx_adapter"], Names(_folder["new"]));

        // Into a folder that exists, beside what is there.
        Directory.CreateDirectory(_folder["old"]);
        File.WriteAllText(Path.Combine(_folder["old"], "notes.txt"), "kept");
        Convert("inputs", Path.Combine(_folder["old"], "vit.onnx"), "--layout", "runtime").Ended(0);
        Assert.Equal(["beijing.onnx_adapter", "notes.txt", "shanghai.onnx_adapter", "vit.onnx"], Names(_folder["old"]));
        Assert.Equal(File.ReadAllBytes(Path.Combine(_folder["new"], "model.onnx")), File.ReadAllBytes(Path.Combine(_folder["old"], "vit.onnx")));
    }

    [Fact]
    public void An_adapter_file_that_is_there_already_keeps_the_whole_output_away()
    {
        Directory.CreateDirectory(_folder["out"]);
        File.WriteAllText(Path.Combine(_folder["out"], "shanghai.onnx_adapter"), "mine");
        Convert("inputs", _folder["out"]).Ended(2);
        Assert.Equal(["shanghai.onnx_adapter"], Names(_folder["out"]));
        Convert("inputs", _folder["out"], "--overwrite").Ended(0);
        Assert.Equal(3, Names(_folder["out"]).Count);
    }

    [Fact]
    public void A_dry_run_writes_nothing_and_names_the_files()
    {
        var json = Loraops.RunJson("convert", "--model", Model, "--adapter", Shanghai, "--form", "inputs", "-o", _folder["dry"], "--dry-run");
        Assert.False(json.GetProperty("written").GetBoolean());
        Assert.Equal("shanghai", json.GetProperty("files")[0].GetProperty("adapter").GetString());
        Assert.False(Directory.Exists(_folder["dry"]));
    }

    [Fact]
    public void A_bundle_knows_the_form_and_takes_only_adapters_of_its_model()
    {
        Convert("inputs", _folder["cities"]).Ended(0);
        var json = Loraops.RunJson("bundle", "create", _folder["cities"], "-o", _folder["bundle"]);
        Assert.Equal("inputs", json.GetProperty("form").GetString());

        File.Copy(Fixtures.Path("bev-vit", "ort", "golden-1-1.onnx_adapter"), Path.Combine(_folder["cities"], "other.onnx_adapter"));
        Loraops.Run("bundle", "create", _folder["cities"], "-o", _folder["wrong"]).Ended(4);
        Assert.False(Directory.Exists(_folder["wrong"]));

        Convert("switchable", _folder["all"]).Ended(0);
        Assert.Equal("switchable", Loraops.RunJson("bundle", "create", _folder["all"], "-o", _folder["all-bundle"]).GetProperty("form").GetString());
    }

    private static Loraops Convert(string form, string output, params string[] more) => Loraops.Run(
        ["convert", "--model", Model, "--adapter", Shanghai, "--adapter", Beijing, "--form", form, "-o", output, .. more]);

    private static IReadOnlyList<string> Names(string folder) =>
        [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
}
