System.Console.WriteLine("shardproxy");
