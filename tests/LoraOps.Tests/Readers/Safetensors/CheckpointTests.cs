using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Tests.Readers.Safetensors;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Opens_a_model_folder_and_its_file_alike()
    {
        using var folder = Checkpoint.Open(Fixtures.Path("bev-vit", "hf"));
        using var file = Checkpoint.Open(Fixtures.Path("bev-vit", "hf", "model.safetensors"));
        Assert.Equal(folder.Names, file.Names);
        Assert.Equal(Fixtures.Path("bev-vit", "hf", "config.json"), folder.ConfigPath);
        Assert.Equal(folder.ConfigPath, file.ConfigPath);
        Assert.Equal([10, 64], folder.Find("classifier.weight")!.Shape.Dims.ToArray());
        Assert.Null(folder.Find("classifier"));
        Assert.Null(folder.IndexPath);
        Assert.True(folder.IndexJson.IsEmpty);
        Assert.Same(folder.Shards[0], folder.ShardOf("classifier.weight"));
    }

    [Fact]
    public void Opens_shards_through_a_folder_or_an_index()
    {
        var folder = Fixtures.Path("safetensors-hostile", "sharded-good");
        var index = Path.Combine(folder, "model.safetensors.index.json");
        foreach (var path in new[] { folder, index })
        {
            using var checkpoint = Checkpoint.Open(path);
            Assert.Equal(["a", "b"], checkpoint.Names);
            Assert.Equal(2, checkpoint.Shards.Count);
            Assert.EndsWith("model-00002-of-00002.safetensors", checkpoint.ShardOf("b").Path, StringComparison.Ordinal);
            Assert.Equal(File.ReadAllBytes(index), checkpoint.IndexJson.ToArray());
            Assert.Equal(index, checkpoint.IndexPath);
            Assert.Equal(path, checkpoint.Path);
            Assert.Null(checkpoint.ConfigPath);
            Assert.Empty(checkpoint.Warnings);
        }
    }

    [Fact]
    public void Prefers_a_single_file_to_an_index_and_takes_a_lone_file_of_any_name()
    {
        Shard("weights", "t");
        using (var lone = Checkpoint.Open(_folder.Path))
            Assert.Equal(["t"], lone.Names);

        Shard("part", "u");
        Index("""{"weight_map":{"u":"part.safetensors"}}""", "weights.safetensors.index.json");
        using (var indexed = Checkpoint.Open(_folder.Path))
            Assert.Equal(["u"], indexed.Names);

        Shard("model", "v");
        using var single = Checkpoint.Open(_folder.Path);
        Assert.Equal(["v"], single.Names);
    }

    [Fact]
    public void Warns_of_a_tensor_that_the_index_places_elsewhere()
    {
        Shard("a", "t", "u");
        Shard("b", "u");
        Index("""{"weight_map":{"t":"a.safetensors","u":"b.safetensors"}}""");
        using var checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Contains("tensor 'u' is not in the index", Assert.Single(checkpoint.Warnings), StringComparison.Ordinal);
        Assert.EndsWith("b.safetensors", checkpoint.ShardOf("u").Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4", 0)]
    [InlineData("4.0", 0)]
    [InlineData("5", 1)]
    [InlineData("\"4\"", 1)]
    [InlineData("1e400", 1)]
    public void Compares_the_total_size(string claimed, int warnings)
    {
        Shard("a", "t");
        Index($$$"""{"metadata":{"x":[],"total_size":{{{claimed}}}},"y":{},"weight_map":{"t":"a.safetensors"}}""");
        using var checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(warnings, checkpoint.Warnings.Count);
    }

    [Fact]
    public void Reads_an_index_whose_metadata_is_no_object()
    {
        Shard("a", "t");
        Index("""{"metadata":[{}],"weight_map":{"t":"a.safetensors"}}""");
        Checkpoint.Open(_folder.Path).Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("x/a.safetensors")]
    [InlineData("./a.safetensors")]
    [InlineData(@"..\\a.safetensors")]
    [InlineData("C:a.safetensors")]
    [InlineData(@"a\u0000.safetensors")]
    public void Refuses_a_shard_that_is_no_plain_name(string shard)
    {
        Index($$$"""{"weight_map":{"t":"{{{shard}}}"}}""");
        AssertRaises(ProblemCode.PathEscapes);
    }

    [Fact]
    public void Refuses_a_link_out_of_the_folder_and_follows_the_cache_of_the_Hub()
    {
        var snapshot = Directory.CreateDirectory(_folder["hub/snapshots/abc"]).FullName;
        var blobs = Directory.CreateDirectory(_folder["hub/blobs"]).FullName;
        Shard("hub/blobs/0a", "t");
        File.Move(_folder["hub/blobs/0a.safetensors"], Path.Combine(blobs, "0a"));
        File.CreateSymbolicLink(Path.Combine(snapshot, "a.safetensors"), "../../blobs/0a");
        File.WriteAllText(Path.Combine(snapshot, "model.safetensors.index.json"), """{"weight_map":{"t":"a.safetensors"}}""");
        Checkpoint.Open(snapshot).Dispose();

        File.CreateSymbolicLink(_folder["a.safetensors"], "hub/blobs/0a");
        Index("""{"weight_map":{"t":"a.safetensors"}}""");
        AssertRaises(ProblemCode.PathEscapes);
    }

    [Theory]
    [InlineData("[]", ProblemCode.IndexNoWeightMap)]
    [InlineData("""{"weight_map":[]}""", ProblemCode.IndexNoWeightMap)]
    [InlineData("""{"weight_map":{},"weight_map":{}}""", ProblemCode.IndexNoWeightMap)]
    [InlineData("", ProblemCode.IndexNotJson)]
    [InlineData("""{"weight_map":{}}}""", ProblemCode.IndexNotJson)]
    [InlineData("""{"weight_map":{"\ud800":"a"}}""", ProblemCode.IndexNotJson)]
    [InlineData("""{"weight_map":{"t":[[]]}}""", ProblemCode.IndexShardNotText)]
    public void Tells_what_is_wrong_with_an_index(string json, ProblemCode code)
    {
        Index(json);
        AssertRaises(code);
    }

    [Fact]
    public void Refuses_an_index_that_nests_too_deep_or_is_not_UTF8()
    {
        Index($$$"""{"x":{{{new string('[', 99)}}}{{{new string(']', 99)}}},"weight_map":{}}""");
        AssertRaises(ProblemCode.IndexNotJson);
        File.WriteAllBytes(_folder["model.safetensors.index.json"], [(byte)'{', 0xFF]);
        AssertRaises(ProblemCode.IndexNotJson);
    }

    [Fact]
    [Raises(ProblemCode.IndexTooLarge)]
    public void Refuses_an_index_over_the_limit_without_reading_it()
    {
        using (var index = File.Create(_folder["model.safetensors.index.json"]))
            index.SetLength(100_000_001);

        AssertRaises(ProblemCode.IndexTooLarge);
    }

    private void Index(string json, string name = "model.safetensors.index.json") => File.WriteAllText(_folder[name], json);

    private void Shard(string name, params string[] tensors) => SafetensorsWriter.Write(
        _folder[name + ".safetensors"],
        [.. tensors.Select(tensor => BufferTensor.FromFloats(tensor, ElementType.F32, new TensorShape(1), [1]))]);

    private void AssertRaises(ProblemCode code)
    {
        var error = Assert.Throws<LoraOpsException>(() => Checkpoint.Open(_folder.Path));
        Assert.Equal(code, Assert.Single(error.Problems).Code);
    }
}
