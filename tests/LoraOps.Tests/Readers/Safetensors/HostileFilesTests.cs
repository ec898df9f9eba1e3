using System.Text.Json;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Safetensors;

/// <summary>Every file and folder of fixtures/safetensors-hostile has the verdict of its index.json.</summary>
public sealed class HostileFilesTests
{
    private static readonly string Folder = Fixtures.Path("safetensors-hostile");

    public static TheoryData<string> Files => Named("file");

    public static TheoryData<string> Folders => Named("folder");

    [Theory]
    [MemberData(nameof(Files))]
    public void Gives_the_verdict_of_the_reference_on_a_file(string name)
    {
        var row = Row("file", name);
        var path = Path.Combine(Folder, name);
        if (row.GetProperty("expect").GetString() == "reject")
        {
            Rejects(() => SafetensorsFile.Open(path).Dispose(), path);
            return;
        }

        using var file = SafetensorsFile.Open(path);
        var expected = row.GetProperty("tensors");
        Assert.Equal(expected.EnumerateObject().Count(), file.Tensors.Count);
        foreach (var tensor in expected.EnumerateObject())
            AssertSame(tensor.Value, file.Find(tensor.Name));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Gives_the_verdict_of_the_reference_on_a_sharded_folder(string name)
    {
        var row = Row("folder", name);
        var path = Path.Combine(Folder, name);
        if (row.GetProperty("expect").GetString() == "reject")
        {
            Rejects(() => Checkpoint.Open(path).Dispose(), path);
            return;
        }

        using var checkpoint = Checkpoint.Open(path);
        var warns = row.GetProperty("reason").GetString()!.Contains("warn", StringComparison.Ordinal);
        Assert.Equal(warns ? 1 : 0, checkpoint.Warnings.Count);
        Assert.NotEmpty(checkpoint.Names);
    }

    private static void Rejects(Action open, string path)
    {
        var error = Assert.Throws<LoraOpsException>(open);
        Assert.Equal(ExitCode.InvalidInput, error.ExitCode);
        Assert.All(error.Problems, problem => Assert.StartsWith(path, problem.Where, StringComparison.Ordinal));
    }

    private static void AssertSame(JsonElement expected, Tensor? tensor)
    {
        Assert.NotNull(tensor);
        Assert.Equal(expected.GetProperty("dtype").GetString(), tensor.Type.Name());
        Assert.Equal(expected.GetProperty("shape").EnumerateArray().Select(dim => dim.GetInt64()), tensor.Shape.Dims.ToArray());
        Assert.Equal(expected.GetProperty("bytes_hex").GetString(), Convert.ToHexStringLower(tensor.ToBytes()));
    }

    private static JsonElement Row(string kind, string name) =>
        Index().Single(row => row.TryGetProperty(kind, out var found) && found.GetString() == name);

    private static TheoryData<string> Named(string kind) =>
        [.. Index().Where(row => row.TryGetProperty(kind, out _)).Select(row => row.GetProperty(kind).GetString()!)];

    private static List<JsonElement> Index()
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "index.json")));
        return [.. index.RootElement.EnumerateArray().Select(row => row.Clone())];
    }
}
