namespace LoraOps.Cli.Tests.Reports;

/// <summary>Names that nodes and outputs of strangers' models may have.</summary>
internal static class HostileNames
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "<script>window.owned = 1</script>",
        "\"><img src=x onerror=\"window.owned = 1\">",
        "'/><svg onload='window.owned = 1'>",
        "</style></title></script><script>window.owned = 1</script>",
        "]]><failure/>",
        "&lt;b&gt; &amp; javascript:window.owned=1",
        "line\r\n::error::forged\n##vso[task.complete result=Succeeded;]\n##teamcity[buildStop]",
        "null \0 bell \a escape \u001b[31m delete \u007f",
        "turned \u202Egnp.exe\u2066 around \u200b\ufeff",
        "half \ud800 a pair \udc00",
        "| a | b |\n|--|\n`code` **bold** [link](x) <b> @someone #1 $x$",
        new string('n', 10_000),
        string.Concat(Enumerable.Repeat("/layer.0/<b>", 900)),
        "\ud83d\ude97 汽车 автомобиль",
    ];
}
