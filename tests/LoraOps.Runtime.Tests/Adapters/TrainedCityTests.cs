using LoraOps.CitySwitch;
using LoraOps.Runtime.Adapters;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>The trained adapters of bev-vit through the manager give what PyTorch gave.</summary>
public sealed class TrainedCityTests : IDisposable
{
    private const int Samples = 8;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Adapters_in_files_give_PyTorchs_logits_in_any_order()
    {
        using var manager = AdapterManager.Open(TrainedCity.Inputs(_folder));
        foreach (var id in TrainedCity.Ids)
            manager.Load(id, _folder[id + ".onnx_adapter"]);

        foreach (var id in TrainedCity.Ids.Concat(TrainedCity.Ids.Reverse()))
        {
            var data = TrainedCity.Reference(id);
            using var adapted = manager.Run(id, TrainedCity.Images(data, Samples));
            using var bare = manager.Run("base", TrainedCity.Images(data, Samples));
            TrainedCity.Near(TrainedCity.Rows(data.Tensors["logits"], Samples), adapted.Floats("logits"));
            TrainedCity.Near(TrainedCity.Rows(data.Tensors["base_logits"], Samples), bare.Floats("logits"));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Adapters_in_the_graph_give_PyTorchs_logits_row_by_row(bool isBlend)
    {
        using var manager = AdapterManager.Open(TrainedCity.Switchable(_folder, isBlend));
        Assert.Equal(TrainedCity.Ids, manager.Adapters.Select(adapter => adapter.Id));
        foreach (var id in TrainedCity.Ids)
        {
            var data = TrainedCity.Reference(id);
            var truth = TrainedCity.Rows(data.Tensors["logits"], 4);
            var bare = TrainedCity.Rows(data.Tensors["base_logits"], 4);
            var width = truth.Length / 4;

            using var whole = manager.Run(id, TrainedCity.Images(data, 4));
            using var rows = manager.Run([id, "base", "base", id], TrainedCity.Images(data, 4));

            TrainedCity.Near(truth, whole.Floats("logits"));
            TrainedCity.Near([.. truth[..width], .. bare[width..(3 * width)], .. truth[(3 * width)..]], rows.Floats("logits"));
        }
    }

    [Fact]
    public void The_tour_meets_each_citys_accuracy()
    {
        TrainedCity.Inputs(_folder);
        using var output = new StringWriter();

        CityTour.Drive(_folder.Path, Fixtures.Path("bev-vit", "eval"), Fixtures.Path("city-switch", "routes.json"), output);

        var text = output.ToString();
        Assert.Matches(@"chengdu -> chengdu +200 requests,  9\d\.\d % right", text);
        Assert.Matches(@"guangzhou -> guangzhou +1[78]\d requests,  9\d\.\d % right", text);
        Assert.Matches(@"guangzhou -> guangzhou-patterns +[12]\d requests, +\d+\.\d % right", text);
        Assert.Matches(@"shanghai -> shanghai +200 requests,  9\d\.\d % right", text);
        Assert.Matches(@"beijing -> base +200 requests,  1\d\.\d % right", text);
    }
}
