# ActiveRecord's migrations and statements, unchanged, against the server that the PG* variables name. Prints what it finds, which must be
# the same everywhere. Usage: activerecord_cases.rb [distribute]: distributes its tables when the first migration has made them.

require "active_record"
require "logger"
require "stringio"
ActiveRecord::Base.establish_connection(
  adapter: "postgresql", host: ENV["PGHOST"], port: ENV["PGPORT"], username: ENV["PGUSER"],
  password: ENV["PGPASSWORD"], database: ENV["PGDATABASE"], schema_search_path: "rails"
)
ActiveRecord::Base.logger = Logger.new($stderr) if ENV["LOG"]
c = ActiveRecord::Base.connection
c.execute("CREATE SCHEMA IF NOT EXISTS rails")
ActiveRecord::Migration.verbose = false
class CreateShop < ActiveRecord::Migration[6.1]
  def change
    create_table :accounts do |t|
      t.string :email, null: false, index: { unique: true }
      t.integer :credit, default: 0, null: false
      t.jsonb :settings, default: {}
      t.timestamps
    end
    create_table :posts do |t|
      t.references :account, null: false, foreign_key: true
      t.string :title
      t.text :tags, array: true, default: []
      t.integer :lock_version, default: 0
      t.timestamps
    end
    create_table :countries do |t|
      t.string :code, limit: 2, null: false, index: { unique: true }
    end
    create_table :memberships, primary_key: [:account_id, :country_id] do |t|
      t.bigint :account_id, null: false
      t.bigint :country_id, null: false
    end
  end
end
class Grow < ActiveRecord::Migration[6.1]
  def change
    add_column :posts, :published_at, :datetime
    add_column :posts, :views, :integer, default: 0, null: false
    rename_column :posts, :title, :headline
    change_column_null :posts, :headline, false, "none"
    change_column_default :posts, :headline, from: nil, to: "new"
    add_check_constraint :posts, "views >= 0", name: "views_not_negative"
    add_column :posts, :position, :serial
    change_column :accounts, :credit, :bigint
    reversible { |d| d.up { execute "UPDATE posts SET views = 1" } }
  end
end
class GrowMore < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!
  def change
    add_index :posts, [:account_id, :published_at], algorithm: :concurrently
    add_index :accounts, "lower(email)", name: "by_lower"
  end
end
class Account < ActiveRecord::Base; has_many :posts, dependent: :destroy; end
class Post < ActiveRecord::Base; belongs_to :account; end
class Country < ActiveRecord::Base; end
def migrate(list)
  ms = list.each_with_index.map { |k, i| k.new(k.name, {"CreateShop"=>1,"Grow"=>2,"GrowMore"=>3}[k.name]) }
  ActiveRecord::Migrator.new(:up, ms, ActiveRecord::SchemaMigration).migrate
end
def check(name)
  puts "#{name}: #{yield.inspect}"
rescue => e
  puts "#{name} ended with #{e.class}: #{e.message.lines.first(3).join}"
end
ActiveRecord::SchemaMigration.create_table
ActiveRecord::InternalMetadata.create_table
check("create") { migrate([CreateShop]) && nil }
if ARGV[0] == "distribute"
  c.execute("SELECT create_distributed_table('accounts', 'id')")
  c.execute("SELECT create_distributed_table('posts', 'account_id', colocate_with => 'accounts')")
  c.execute("SELECT create_reference_table('countries')")
end
check("accounts") { 20.times { |i| a = Account.create!(email: "a#{i}@x.org"); 3.times { |j| c.execute("INSERT INTO posts (account_id, title, created_at, updated_at) VALUES (#{a.id}, 't#{j}', now(), now())") } }; Account.count }
check("grow") { migrate([CreateShop, Grow]) && nil }
check("growmore") { migrate([CreateShop, Grow, GrowMore]) && nil }
[Account, Post, Country].each(&:reset_column_information)
check("positions") { [Post.distinct.count(:position), Post.maximum(:position)] }
check("insert_all") { Account.insert_all([{ email: "a1@x.org", created_at: Time.now, updated_at: Time.now }, { email: "n1@x.org", created_at: Time.now, updated_at: Time.now }], unique_by: :email).length }
check("insert_all!") { Account.insert_all!([{ email: "n2@x.org", created_at: Time.now, updated_at: Time.now }, { email: "n3@x.org", created_at: Time.now, updated_at: Time.now }], returning: %w[email]).rows }
check("upsert_all") { Account.upsert_all([{ email: "n2@x.org", credit: 5, created_at: Time.now, updated_at: Time.now }, { email: "n4@x.org", credit: 6, created_at: Time.now, updated_at: Time.now }], unique_by: :email, returning: %w[credit]).rows.sort }
check("insert_all any") { Account.insert_all([{ email: "n2@x.org", created_at: Time.now, updated_at: Time.now }]).length }
check("upsert") { Country.upsert({ code: "de" }, unique_by: :code).length }
check("lock") { Account.transaction { a = Account.lock.find_by!(email: "a3@x.org"); a.update!(credit: 9); a.with_lock { a.increment!(:credit) } ; a.credit } }
check("optimistic") { p1 = Post.order(:id).first; p2 = Post.find(p1.id); p1.update!(views: 3); begin; p2.update!(views: 4); rescue ActiveRecord::StaleObjectError => e; e.class.name; end }
check("touch") { Account.find_by(email: "a4@x.org").touch }
check("nested") { Account.transaction { a = Account.create!(email: "nest@x.org"); Account.transaction(requires_new: true) { a.posts.create!(headline: "x"); raise ActiveRecord::Rollback }; a.posts.create!(headline: "y"); a.posts.count } }
check("unique") { begin; Account.create!(email: "a1@x.org"); rescue ActiveRecord::RecordNotUnique => e; e.class.name; end }
check("fk") { begin; Post.new(account_id: 10**12, headline: "f").save!(validate: false); rescue ActiveRecord::InvalidForeignKey => e; e.class.name; end }
check("find_or_create") { [Account.find_or_create_by!(email: "foc@x.org").persisted?, Account.create_or_find_by!(email: "foc@x.org").email] }
check("includes") { Account.includes(:posts).order(:email).limit(3).map { |a| [a.email, a.posts.size] } }
check("joins") { Account.joins(:posts).group(:email).order(:email).limit(2).count }
check("eager") { Account.eager_load(:posts).order(:email, "posts.id").limit(2).map { |a| [a.email, a.posts.size] } }
check("group") { Post.group(:views).order(:views).count }
check("update_all") { [Post.where("views < 3").update_all("views = views + 1"), Post.update_all(tags: ["a"])] }
check("batches") { n = 0; Post.find_each(batch_size: 10) { n += 1 }; Post.in_batches(of: 20) { |b| b.update_all(views: 7) }; [n, Post.sum(:views), Post.average(:views).to_s, Post.pluck(:views).uniq] }
check("exists") { [Account.where.missing(:posts).count, Account.exists?(email: "a1@x.org"), Account.where(email: %w[a1@x.org a2@x.org]).order(:email).pluck(:email)] }
check("cursor") { c.select_value("SELECT count(*) FROM posts WHERE tags @> ARRAY['a']::text[]") }
check("advisory") { [c.get_advisory_lock(42), c.release_advisory_lock(42)] }
check("catalog") { [c.tables.sort, c.indexes("accounts").map { |i| [i.name, i.columns, i.unique] }.sort_by(&:first), c.foreign_keys("posts").map(&:column), c.columns("posts").map { |x| [x.name, x.sql_type, x.default] }, c.primary_keys("posts"), c.check_constraints("posts").map(&:name)] }
check("schema dump") { s = StringIO.new; ActiveRecord::SchemaDumper.dump(c, s); s.string.gsub(/version: .*\)/, "") }
check("explain") { Account.where(email: "a1@x.org").explain.lines.first(1).join.size > 0 }
check("destroy") { Account.find_by(email: "a1@x.org").destroy.posts.size }
check("delete_all") { [Post.where(headline: "t1").delete_all, Account.count, Post.count] }
check("truncate") { c.truncate_tables("accounts", "posts", "countries", "memberships"); Account.count }
check("fixtures") { c.insert_fixtures_set({ "accounts" => [{ "id" => 5, "email" => "f@x", "created_at" => Time.now, "updated_at" => Time.now }], "posts" => [{ "account_id" => 5, "headline" => "h", "created_at" => Time.now, "updated_at" => Time.now }] }, ["accounts", "posts"]); [Account.count, Post.count] }
check("reset pk") { c.reset_pk_sequence!("accounts"); Account.create!(email: "after@x").id > 5 }
check("disable ri") { c.disable_referential_integrity { Post.delete_all }; Post.count }
check("drop") { c.drop_table(:posts); c.drop_table(:accounts); c.tables.sort }
c.execute("DROP SCHEMA rails CASCADE")
