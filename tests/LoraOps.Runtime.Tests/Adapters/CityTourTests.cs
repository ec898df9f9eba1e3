using LoraOps.CitySwitch;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>The demo in fixtures/city-switch works.</summary>
public sealed class CityTourTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyCity _city;

    public CityTourTests()
    {
        _city = new TinyCity(_folder);
        File.Move(_city.Inputs(), _folder["model.onnx"]);
        Directory.CreateDirectory(_folder["eval"]);
        foreach (var city in new[] { "shanghai", "guangzhou", "beijing" })
        {
            new DataFile(_folder, $"eval/{city}.safetensors").Floats("x", [2, 3], 1, 2, 3, 4, 5, 6).Longs("labels", [2], 0, 1).Open();
            _city.Adapter(city, 2);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_request_of_every_city_is_served_by_the_adapter_of_its_route()
    {
        _city.Adapter("chengdu", 2);
        _city.Adapter("guangzhou-patterns", 3);
        using var output = new StringWriter();

        CityTour.Drive(_folder.Path, _folder["eval"], Fixtures.Path("city-switch", "routes.json"), output);

        var lines = output.ToString().Split(Environment.NewLine);
        Assert.StartsWith("5 adapters, ", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^beijing -> base +200 requests,  50.0 % right, switch \d+\.\d µs, all \d+ µs$", lines[1]);
        Assert.Matches(@"^guangzhou -> guangzhou +1[78]\d requests", lines[2]);
        Assert.Matches(@"^guangzhou -> guangzhou-patterns +[12]\d requests", lines[3]);
        Assert.Matches(@"^shanghai -> shanghai +200 requests", lines[4]);
    }

    [Fact]
    public void A_route_to_an_adapter_that_there_is_not_stops_it_before_the_first_request()
    {
        var error = Assert.Throws<LoraOpsException>(() =>
            CityTour.Drive(_folder.Path, _folder["eval"], Fixtures.Path("city-switch", "routes.json"), TextWriter.Null));

        Assert.Equal([ProblemCode.RouteTargetUnknown, ProblemCode.RouteTargetUnknown], error.Problems.Select(problem => problem.Code));
    }
}
